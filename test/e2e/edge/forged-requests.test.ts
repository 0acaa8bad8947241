import { connect as connectHttp2 } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EdgeBot, EdgeGarden } from "../support/edge-bots.ts";
import { exchange, type Post, post, type RawRequest, SECRET_HEADER } from "../support/raw-request.ts";
import { joinStrangers, type Strangers } from "../support/strangers.ts";

/** A request that nobody but an attacker makes. What is not said is as Telegram would do it, with the right secret. */
interface Forgery {
  readonly what: string;
  readonly post?: Partial<Post>;
  readonly connection?: Partial<RawRequest>;
  /** The only good answer; by default any refusal will do. */
  readonly status?: number;
}

/** All these say no. 410 would be one too, but Telegram removes a webhook that answers so. */
const refusals = [400, 403, 404, 405, 411, 413, 414, 421, 431, 494, 501, 505];

function swapped(text: string): string {
  const letters = [...text].map((letter) => {
    const small = letter.toLowerCase();
    return letter === small ? letter.toUpperCase() : small;
  });
  return letters.join("");
}

function withForgedSecrets(secret: string, other: string): Forgery[] {
  const forged = (what: string, value: string): Forgery => ({ what, post: { secret: value }, status: 403 });
  const lines = (what: string, ...headers: string[]): Forgery => ({
    what,
    post: { secret: undefined, headers },
    status: 403,
  });
  return [
    forged("a wrong secret", "x".repeat(secret.length)),
    { what: "no secret", post: { secret: undefined }, status: 403 },
    forged("an empty secret", ""),
    forged("the secret in capitals", secret.toUpperCase()),
    forged("the secret in small letters", secret.toLowerCase()),
    forged("the secret with its case swapped", swapped(secret)),
    forged("the secret without its last letter", secret.slice(0, -1)),
    forged("the secret and a letter", `${secret}x`),
    forged("the secret twice", `${secret}${secret}`),
    forged("the secret in a list", `x, ${secret}`),
    forged("a pattern that fits everything", ".*"),
    forged("an anchored pattern", `^${secret}$`),
    forged("another bot's secret", other),
    forged("both secrets", `${secret}|${other}`),
    lines("two headers, the wrong one first", `${SECRET_HEADER}: x`, `${SECRET_HEADER}: ${secret}`),
    lines("two headers, the right one first", `${SECRET_HEADER}: ${secret}`, `${SECRET_HEADER}: x`),
    lines("the header with underscores", `${SECRET_HEADER.replaceAll("-", "_")}: ${secret}`),
    lines("the secret as a cookie", `Cookie: ${SECRET_HEADER}=${secret}`),
    lines("the secret as a password", `Authorization: Bearer ${secret}`),
  ];
}

function withOtherMethods(): Forgery[] {
  const methods = [
    "GET",
    "HEAD",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "POSTX",
    "post",
    "PROPFIND",
  ];
  return methods.map((method) => ({ what: `the method ${method}`, post: { method } }));
}

function withOtherPaths(name: string): Forgery[] {
  const paths = [
    ...[`//webhook/${name}`, `/webhook//${name}`, `/./webhook/${name}`, `/webhook/./${name}`],
    ...[`/x/../webhook/${name}`, `/webhook/limited/../${name}`, `/webhook/${name}/`, `/webhook/${name}/.`],
    ...[
      `/webhook/${name}/x`,
      `/webhook/${name}x`,
      `/webhook/${name.slice(0, -1)}`,
      "/webhook/",
      "/webhook",
      "/",
    ],
    ...[`/%77ebhook/${name}`, `/webhook/%73teady`, `/webhook%2f${name}`, `/webhook/%2e/${name}`],
    ...[`/x/%2e%2e/webhook/${name}`, `/webhook/${name}%00`, `/webhook/${name}%20`, `/webhook/${name}%0d%0a`],
    ...[`/webhook/${name.toUpperCase()}`, `/WEBHOOK/${name}`, `/webhook/${name};x`, `/webhook/${name}#x`],
    ...[`\\webhook\\${name}`, `webhook/${name}`, "*", "/updates", `http://other.test/webhook/${name}`],
    ...[`https://other.test/webhook/${name}`, `https://garden.test@other.test/webhook/${name}`],
    ...["/webhook/nobody", "/webhook/broken", "/webhook/limited"],
  ];
  return paths.map((path) => ({ what: `the path ${path}`, post: { path } }));
}

function withOtherNames(address: string): Forgery[] {
  const headers = (host: string): Forgery => ({ what: `the Host ${host}`, post: { host } });
  return [
    ...[
      "other.test",
      "garden.test.other.test",
      "xgarden.test",
      "localhost",
      "steady",
      address,
      "",
      "garden.test/x",
    ].map(headers),
    { what: "a second Host", post: { headers: ["Host: garden.test"] }, status: 400 },
    { what: "another name in the handshake", connection: { serverName: "other.test" } },
    { what: "no name in the handshake", connection: { serverName: null } },
    { what: "another name in both", connection: { serverName: "other.test" }, post: { host: "other.test" } },
    { what: "no TLS", connection: { tls: false }, status: 301 },
    { what: "no TLS, at the port of TLS", connection: { tls: false, port: 443 }, status: 400 },
  ];
}

function tooLarge(): Forgery[] {
  return [
    { what: "a body of two megabytes", post: { body: "x".repeat(2_000_000) }, status: 413 },
    { what: "an endless first line", post: { path: `/webhook/steady?${"x".repeat(70_000)}` } },
    { what: "an endless header", post: { headers: [`X-Long: ${"x".repeat(70_000)}`] } },
    { what: "endless headers", post: { headers: new Array(5000).fill("X-More: of them") } },
  ];
}

describe("forged requests", () => {
  let garden: EdgeGarden;
  let steady: EdgeBot;
  let limited: EdgeBot;
  let broken: EdgeBot;
  let strangers: Strangers;

  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    [steady, limited, broken] = [
      await garden.bot("steady"),
      await garden.bot("limited"),
      await garden.bot("broken"),
    ];
    strangers = await joinStrangers(garden.state.host);
  });
  afterAll(() => strangers?.leave());

  const genuine = (parts: Partial<Post> = {}) => post({ path: steady.path, secret: steady.secret, ...parts });
  const send = (bytes: string, connection: Partial<RawRequest> = {}) =>
    exchange({ address: garden.address, bytes, ...connection });
  const forgetAll = () => Promise.all([steady, limited, broken].map((bot) => bot.forget()));

  /** Sends each forgery, together with its name in a header, and then asks every bot what it has seen. */
  async function expectRefused(forgeries: readonly Forgery[]): Promise<void> {
    await forgetAll();
    const wrong: string[] = [];
    for (const { what, post: parts = {}, connection = {}, status } of forgeries) {
      const named = { ...parts, headers: [...(parts.headers ?? []), `X-Forgery: ${what.slice(0, 60)}`] };
      const { statuses } = await send(
        connection.bytes === undefined ? genuine(named) : connection.bytes,
        connection,
      );
      const allowed = status === undefined ? refusals : [status];
      // To be hung up on is a refusal too, unless an answer was promised.
      if (statuses.length === 0 && status === undefined) continue;
      if (statuses.length !== 1 || !allowed.includes(statuses[0] ?? 0)) {
        wrong.push(`${what.slice(0, 80)}: ${statuses.join(" ") || "hung up"}`);
      }
    }
    const seen = await Promise.all(
      [steady, limited, broken].map(async (bot) => (await bot.record()).requests),
    );
    for (const { line, headers } of seen.flat()) wrong.push(`a bot saw: ${line} ${JSON.stringify(headers)}`);
    expect(wrong).toEqual([]);
  }

  test("the genuine one, by which the others differ, arrives", async () => {
    await forgetAll();
    expect((await send(genuine())).statuses).toEqual([200]);
    expect(await steady.record()).toMatchObject({ count: 1, requests: [{ line: "POST /updates HTTP/1.1" }] });
  });

  test("wrong secrets are refused with 403", () =>
    expectRefused(withForgedSecrets(steady.secret, limited.secret)));

  test("other methods are refused, even with the secret", () => expectRefused(withOtherMethods()));

  test("other ways to write the path are refused, even with the secret", () =>
    expectRefused(withOtherPaths("steady")));

  test("other names are refused, even with the secret", () => expectRefused(withOtherNames(garden.address)));

  test("what is too large is refused, even with the secret", () => expectRefused(tooLarge()));

  test("a source outside of the allowed networks is refused, whatever it claims to be", async () => {
    const from = { address: strangers.host, from: strangers.own };
    const claims = [
      ...["X-Forwarded-For: 149.154.160.1", "X-Real-IP: 149.154.160.1", "Forwarded: for=149.154.160.1"],
      ...["X-Client-IP: 91.108.4.1", "True-Client-IP: 91.108.4.1", "CF-Connecting-IP: 91.108.4.1"],
    ];
    await expectRefused([
      { what: "a stranger with the secret", connection: from, status: 403 },
      ...claims.map((claim) => ({
        what: `a stranger who claims ${claim}`,
        connection: from,
        post: { headers: [claim] },
        status: 403,
      })),
      {
        what: "a stranger behind a claimed proxy",
        connection: { ...from, tls: false, port: 443, bytes: "PROXY TCP4 149.154.160.1 1.1.1.1 1 443\r\n" },
      },
    ]);
    const healthz = "GET /healthz HTTP/1.1\r\nHost: garden.test\r\nConnection: close\r\n\r\n";
    expect((await send(healthz, from)).statuses, "strangers are people too").toEqual([200]);
  });

  test("what an allowed source claims of itself is overwritten", async () => {
    await forgetAll();
    const claims = ["X-Forwarded-For: 149.154.160.1", "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: http"];
    expect((await send(genuine({ headers: claims }))).statuses).toEqual([200]);
    const [request] = (await steady.record()).requests;
    const header = (name: string) =>
      request?.headers.filter(([other]) => other === name).map(([, value]) => value);
    const own = [garden.address.replace(/\d+$/, "1")];
    expect(header("x-forwarded-for")).toEqual(own);
    expect(header("x-real-ip")).toEqual(own);
    expect(header("x-forwarded-proto")).toEqual(["https"]);
    expect(header("host")).toEqual(["garden.test"]);
    expect(header("x-telegram-bot-api-secret-token")).toEqual([steady.secret]);
  });

  test("HTTP/2 is held to the same rules", async () => {
    await forgetAll();
    const over = (headers: Record<string, string>) =>
      overHttp2(garden.address, { ":path": steady.path, ...headers });
    const secret = { [SECRET_HEADER]: steady.secret };
    expect(await over({})).toBe(403);
    expect(await over({ [SECRET_HEADER]: steady.secret.toUpperCase() })).toBe(403);
    expect(refusals).toContain(await over({ ...secret, ":method": "PUT" }));
    expect(refusals).toContain(await over({ ...secret, ":path": `/${steady.path}` }));
    expect(refusals).toContain(await over({ ...secret, ":authority": "other.test" }));
    expect((await steady.record()).requests).toEqual([]);
    expect(await over(secret)).toBe(200);
    expect((await steady.record()).count).toBe(1);
  });
});

/** Posts an update over HTTP/2 and gives the status; 421 stands for a stream that was refused. */
function overHttp2(address: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${address}`, {
      servername: "garden.test",
      rejectUnauthorized: false,
    });
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":authority": "garden.test", ...headers });
    let status = 421;
    stream.on("response", (answer) => {
      status = answer[":status"] ?? 0;
    });
    stream.on("error", () => undefined);
    stream.on("close", () => {
      session.close();
      resolve(status);
    });
    stream.resume();
    stream.end('{"update_id":1}');
  });
}
