/** What real nginx programs let through to a bot's webhook. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Tree, writeTree } from "../support/edge-tree.ts";
import { until200 } from "../support/nginx-edge.ts";
import { nginxVersions, openNginx, type RunningNginx } from "../support/nginxes.ts";
import { freePort } from "../support/ports.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import { type Answer, type Arrived, ask, type Question, startBot, startNames } from "../support/web.ts";

const SECRET_HEADER = "x-telegram-bot-api-secret-token";

describe.for(nginxVersions)("webhooks on %s", (reference) => {
  const folder = sharedFolder();
  let tree: Tree;
  let running: RunningNginx | undefined;
  let seen: readonly Arrived[];
  let release: () => void = () => undefined;
  const servers: { close(): unknown }[] = [];

  beforeAll(async () => {
    const bot = await startBot();
    const failing = await startBot(({ headers }, response) => {
      response.writeHead(Number(headers["x-status"]), { "retry-after": "33" }).end("its own answer");
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const hanging = await startBot((_, response) => void held.then(() => response.end()));
    const names = await startNames("nobody-here");
    servers.push(bot.server, failing.server, hanging.server, names.server);
    seen = bot.arrived;
    const webhook = { port: bot.port, path: "/webhook", maxConnections: 40 };
    const usual = { ...webhook, rateLimit: { perSecond: 300, burst: 600 } };
    const route = (name: string, changes: Partial<typeof usual> = {}, secrets: string[] = []) => ({
      bot: name,
      container: name === "gone" ? "nobody-here" : `${name}-0a1b2c3`,
      webhook: { ...usual, ...changes },
      pages: undefined,
      secrets,
    });
    const nginx = await openNginx(reference, folder);
    tree = await writeTree(folder, {
      ...nginx,
      dns: names.port,
      allowFrom: ["127.0.0.1", "127.0.1.0/24"],
      // Nobody wants to wait for a bot that hangs; the others may well take a second on a busy machine.
      edit: (_, text) => text.replace("location = /webhook/hanging {", "$& proxy_read_timeout 1s;"),
      routes: [
        route("hello", {}, ["Secret_of-hello"]),
        route("shop", { path: "/bot/updates/" }, ["New-secret", "Old-secret", "Older-secret"]),
        route("shop-bot", { path: "/" }),
        route("limited", { rateLimit: { perSecond: 1, burst: 2 } }),
        route("gone"),
        route("closed", { port: await freePort() }),
        route("failing", { port: failing.port }),
        route("hanging", { port: hanging.port }),
      ],
    });
    running = await nginx.start(tree.config, tree.ports.https);
    // It looks the bots' names up when it begins, beside the first requests.
    for (const [bot, header, value] of [
      ["hello", SECRET_HEADER, "Secret_of-hello"],
      ["shop", SECRET_HEADER, "New-secret"],
      ["shop-bot", SECRET_HEADER, ""],
      ["failing", "x-status", "200"],
    ] as const) {
      const question = { port: tree.ports.https, path: `/webhook/${bot}`, method: "POST" };
      await until200({ ...question, headers: { [header]: value } });
    }
    // The first time it may have to make images.
  }, 900_000);

  afterAll(async () => {
    release();
    await running?.stop();
    for (const server of servers) server.close();
  });

  function post(bot: string, question: Partial<Question> = {}): Promise<Answer> {
    return ask({ port: tree.ports.https, path: `/webhook/${bot}`, method: "POST", ...question });
  }

  /** Posts with a secret, or with none. */
  function tell(bot: string, secret?: string): Promise<Answer> {
    return post(bot, secret === undefined ? {} : { headers: { [SECRET_HEADER]: secret } });
  }

  /** The requests that reach the bot while something is done. */
  async function arrivedBy(action: () => Promise<unknown>): Promise<Arrived[]> {
    const before = seen.length;
    await action();
    return seen.slice(before);
  }

  test.for([
    { bot: "hello", arrives: "/webhook", secret: "Secret_of-hello" },
    { bot: "shop-bot", arrives: "/", secret: "Passed-on" },
    { bot: "shop", arrives: "/bot/updates/", secret: "New-secret" },
  ])("an update for $bot arrives at $arrives as Telegram sent it", async ({ bot, arrives, secret }) => {
    const body = JSON.stringify({ update_id: 1, text: "🌱".repeat(2000) });
    const [update] = await arrivedBy(async () => {
      expect((await post(bot, { body, headers: { [SECRET_HEADER]: secret } })).status).toBe(200);
    });
    expect(update).toMatchObject({ method: "POST", url: arrives, body });
    expect(update?.headers).toMatchObject({
      [SECRET_HEADER]: secret,
      "x-forwarded-proto": "https",
      host: "bots.example.com",
    });
  });

  test("without the bot's own secret, letter by letter, nothing arrives", async () => {
    const wrong = [
      "secret_of-hello",
      "SECRET_OF-HELLO",
      "Secret_of-hell",
      "Secret_of-hello2",
      "New-secret",
      "",
    ];
    const arrived = await arrivedBy(async () => {
      for (const secret of [undefined, ...wrong, "Secret_of-hello, Secret_of-hello"]) {
        expect((await tell("hello", secret)).status, secret ?? "none").toBe(403);
      }
    });
    expect(arrived).toEqual([]);
  });

  test("while a secret is changed the former ones are good too, and the bot sees its own", async () => {
    for (const secret of ["New-secret", "Old-secret", "Older-secret"]) {
      const [update] = await arrivedBy(() => tell("shop", secret));
      expect(update?.headers, secret).toMatchObject({
        [SECRET_HEADER]: "New-secret",
        host: "bots.example.com",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
      });
    }
    const arrived = await arrivedBy(async () => {
      const wrong = [
        "old-secret",
        "Old-secre",
        "Old-secretx",
        "xOld-secret",
        "Old-secret|New-secret",
        "Secret_of-hello",
      ];
      for (const secret of [undefined, ...wrong]) {
        expect((await tell("shop", secret)).status, secret ?? "none").toBe(403);
      }
    });
    expect(arrived).toEqual([]);
  });

  test("who is not in one of the networks gets nowhere, secret or not", async () => {
    const headers = {
      [SECRET_HEADER]: "Secret_of-hello",
      "x-forwarded-for": "127.0.0.1",
      "x-real-ip": "127.0.0.1",
    };
    const arrived = await arrivedBy(async () => {
      for (const from of ["127.0.0.2", "127.0.2.1"]) {
        for (const bot of ["hello", "shop-bot"])
          expect((await post(bot, { from, headers })).status, from).toBe(403);
      }
      expect((await post("hello", { from: "127.0.1.77", headers })).status).toBe(200);
    });
    expect(arrived).toHaveLength(1);
  });

  test("what a client claims about its address does not reach the bot", async () => {
    const headers = { "x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6", "x-forwarded-proto": "gopher" };
    const [update] = await arrivedBy(() => post("shop-bot", { headers }));
    expect(update?.headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-real-ip": "127.0.0.1",
      "x-forwarded-proto": "https",
    });
  });

  test("a bot takes nothing but POST", async () => {
    const headers = { [SECRET_HEADER]: "Secret_of-hello" };
    const arrived = await arrivedBy(async () => {
      for (const method of ["GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]) {
        expect((await post("hello", { method, headers })).status, method).toBe(403);
      }
    });
    expect(arrived).toEqual([]);
  });

  test("a path that is not exactly a bot's reaches no bot", async () => {
    const tricks = [
      "hello/",
      "Hello",
      "hello2",
      "hell",
      "hello;x",
      "hello%00",
      "../shop-bot",
      "shop-bot/../x",
      "",
    ];
    const arrived = await arrivedBy(async () => {
      for (const name of tricks) expect((await post(name)).status, name).toBeGreaterThanOrEqual(400);
      for (const path of ["/webhook", "/", "/bot", "/bot/updates/"]) {
        expect((await post("", { path })).status, path).toBe(404);
      }
    });
    expect(arrived).toEqual([]);
  });

  test("another spelling of a bot's path is refused, even with the secret", async () => {
    const arrived = await arrivedBy(async () => {
      for (const name of ["./hello", "/hello", "%68ello", "x/../hello", "hello?a=b"]) {
        expect((await tell(name, "Secret_of-hello")).status, name).toBe(403);
      }
    });
    expect(arrived).toEqual([]);
  });

  test("a body above one megabyte is refused, and one below it is not", async () => {
    const sized = (bytes: number) => post("shop-bot", { body: "x".repeat(bytes) });
    const arrived = await arrivedBy(async () => {
      expect((await sized(1024 * 1024 + 1)).status).toBe(413);
      expect((await sized(1024 * 1024)).status).toBe(200);
    });
    expect(arrived.map(({ body }) => body.length)).toEqual([1024 * 1024]);
  });

  test("too many updates at once are told to come again later, for that bot alone", async () => {
    let answers: Answer[] = [];
    const arrived = await arrivedBy(async () => {
      answers = await Promise.all(Array.from({ length: 30 }, () => post("limited")));
    });
    const refused = answers.filter(({ status }) => status !== 200);
    expect(arrived.length).toBeGreaterThanOrEqual(3);
    expect(refused).toHaveLength(30 - arrived.length);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, headers } of refused) {
      expect(status).toBe(429);
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    }
    expect((await post("shop-bot")).status).toBe(200);
  });

  test.for(["gone", "closed", "hanging"])("a bot that is %s is 503 for itself alone", async (bot) => {
    const trouble = post(bot);
    expect((await post("shop-bot")).status).toBe(200);
    const { status, headers } = await trouble;
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect((await post("shop-bot")).status).toBe(200);
  });

  test("a bot's own error is passed on as it is", async () => {
    for (const status of ["500", "502", "503", "504", "429", "404", "200"]) {
      const answer = await post("failing", { headers: { "x-status": status } });
      expect(answer).toMatchObject({ status: Number(status), body: "its own answer" });
      expect(answer.headers["retry-after"]).toBe("33");
    }
  });
});
