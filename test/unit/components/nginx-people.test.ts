/** What real nginx programs do with whoever is not Telegram: people, strangers, authorities, the host. */
import { readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { commonNameOf, edge, handshake, webhookOf } from "../support/nginx-edge.ts";
import { nginxVersions } from "../support/nginxes.ts";

describe.for(nginxVersions)("a domain on %s", (reference) => {
  const site = { names: ["bots.example.com", "other.example.com"] };
  const { tree, nginx, seen, get, stop } = edge(reference, (port) => ({
    site,
    allowFrom: ["127.0.0.1"],
    hsts: "on",
    page: "<p>the garden</p>",
    routes: [
      {
        bot: "hello",
        container: "hello-0a1b2c3",
        webhook: webhookOf(port),
        pages: undefined,
        secrets: ["Secret"],
      },
      {
        bot: "shop-bot",
        container: "shop-bot-1111111",
        webhook: undefined,
        pages: { path: "/pay.me/now", port },
      },
    ],
  }));

  test("every name of the certificate is answered, and nobody else's", async () => {
    const { https, http } = tree().ports;
    for (const host of site.names) {
      expect(await get({ path: "/healthz", headers: { host } })).toMatchObject({ status: 200, body: "ok\n" });
      expect(await get({ path: "/healthz", headers: { host }, plain: true })).toMatchObject({ status: 200 });
    }
    for (const name of ["evil.example.com", "example.com", "localhost", "x.bots.example.com", ""]) {
      expect(await handshake(https, name), name).toMatch(/alert|unrecognized/i);
    }
    for (const host of ["evil.example.com", "127.0.0.1", "x"]) {
      await expect(get({ headers: { host }, plain: true }), host).rejects.toThrow(/hang up|ECONNRESET/);
    }
    expect(http).not.toBe(https);
  });

  test("another Host behind the right name of TLS reaches nothing either", async () => {
    const before = seen().length;
    for (const [path, method] of [
      ["/", "GET"],
      ["/healthz", "GET"],
      ["/webhook/hello", "POST"],
      ["/pay.me/now", "GET"],
    ] as const) {
      const headers = { host: "evil.example.com", "x-telegram-bot-api-secret-token": "Secret" };
      const answer = await get({ path, method, headers, servername: "bots.example.com" }).catch(
        () => undefined,
      );
      expect(answer?.status ?? 421, path).toBe(421);
      expect(answer?.body ?? "", path).not.toMatch(/Welcome|garden|^ok$/);
    }
    expect(seen()).toHaveLength(before);
  });

  test("plain HTTP leads to HTTPS", async () => {
    const { status, headers } = await get({ path: "/webhook/hello?a=b", plain: true });
    expect(status).toBe(301);
    expect(headers.location).toBe("https://bots.example.com/webhook/hello?a=b");
  });

  test("certbot's answers are there for whatever name the authority asks, and nothing beside them", async () => {
    writeFileSync(join(tree().challenges, ".well-known/acme-challenge/token_-1"), "the answer");
    writeFileSync(join(tree().challenges, "private"), "not this");
    const path = "/.well-known/acme-challenge/token_-1";
    for (const host of ["bots.example.com", "evil.example.com", "203.0.113.10", "new.example.com"]) {
      expect(await get({ path, headers: { host }, plain: true }), host).toMatchObject({
        status: 200,
        body: "the answer",
      });
    }
    expect((await get({ path: `${path}2`, plain: true })).status).toBe(404);
    expect((await get({ path: `${path}/../../../private`, plain: true })).status).not.toBe(200);
    expect((await get({ path: "/.well-known/acme-challenge/", plain: true })).status).not.toBe(200);
  });

  test("TLS is 1.2 or 1.3, and HTTP/2 if the version has it", async () => {
    const { https } = tree().ports;
    const name = "bots.example.com";
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" };
    expect(await handshake(https, name, old)).toMatch(/alert|version|protocol/i);
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      const socket = await handshake(https, name, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ["h2", "http/1.1"],
      });
      expect(typeof socket === "string" ? socket : socket.getProtocol()).toBe(version);
      expect(typeof socket === "string" ? socket : socket.alpnProtocol === "h2").toBe(nginx().features.http2);
      commonNameOf(socket);
    }
    if (!nginx().features.http2) return;
    expect(await statusByHttp2(https, "/healthz")).toBe(200);
    expect(await statusByHttp2(https, "/webhook/hello")).toBe(403);
  });

  test("the static page is at / alone, with what browsers heed", async () => {
    const page = await get({ path: "/" });
    expect(page).toMatchObject({ status: 200, body: "<p>the garden</p>" });
    expect(page.headers["content-type"]).toMatch(/^text\/html/);
    for (const { headers } of [page, await get({ path: "/nowhere" })]) {
      expect(headers).toMatchObject({
        server: "nginx",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "strict-transport-security": "max-age=63072000",
      });
    }
    for (const path of ["/index.html", "/html/index.html", "/nginx.conf", "/../nginx.conf"]) {
      expect((await get({ path })).status, path).toBeGreaterThanOrEqual(400);
    }
  });

  test("a bot's pages are at their path and below it, for anyone and with every method", async () => {
    for (const [path, method] of [
      ["/pay.me/now", "GET"],
      ["/pay.me/now/", "HEAD"],
      ["/pay.me/now/a/b.html?c=d&e", "PUT"],
      ["/pay.me/now?x=1", "POST"],
    ] as const) {
      const headers = { "x-forwarded-for": "6.6.6.6" };
      expect((await get({ path, method, headers, from: "127.0.0.2" })).status, path).toBe(200);
      expect(seen().at(-1)).toMatchObject({ method, url: path });
      expect(seen().at(-1)?.headers).toMatchObject({
        host: "bots.example.com",
        "x-forwarded-for": "127.0.0.2",
        "x-forwarded-proto": "https",
      });
    }
    const before = seen().length;
    for (const path of [
      "/pay.me",
      "/pay.me/",
      "/pay.me/nowhere",
      "/payxme/now",
      "/x/pay.me/now",
      "/PAY.me/now",
    ]) {
      expect((await get({ path })).status, path).toBe(404);
    }
    expect(seen()).toHaveLength(before);
  });

  test("a bot's pages are packed if they are text, may be large, and have HSTS too", async () => {
    const headers = { "accept-encoding": "gzip" };
    const text = await get({ path: "/pay.me/now/a.html", headers });
    expect(text.headers).toMatchObject({
      "content-encoding": "gzip",
      "strict-transport-security": "max-age=63072000",
    });
    expect((await get({ path: "/pay.me/now/a.png", headers })).headers["content-encoding"]).toBeUndefined();
    const body = "x".repeat(2 * 1024 * 1024);
    expect((await get({ path: "/pay.me/now", method: "POST", body })).status).toBe(200);
    expect(seen().at(-1)?.body).toHaveLength(body.length);
  });

  test("a bot's pages can be upgraded to a web socket", async () => {
    const headers = { host: "bots.example.com", connection: "Upgrade", upgrade: "websocket" };
    const answer = await upgradeAt(tree().ports.https, "/pay.me/now/socket", headers);
    expect(answer).toMatchObject({
      upgrade: "websocket",
      connection: "upgrade",
      "x-url": "/pay.me/now/socket",
    });
  });

  test("status and health are on the port that only the host can reach", async () => {
    const { status: port } = tree().ports;
    expect(await get({ port, path: "/healthz", plain: true })).toMatchObject({ status: 200, body: "ok\n" });
    expect((await get({ port, path: "/status", plain: true })).body).toMatch(/Active connections: \d+/);
    for (const path of ["/", "/webhook/hello", "/pay.me/now"]) {
      expect((await get({ port, path, plain: true })).status, path).toBe(404);
    }
    expect((await get({ path: "/status" })).status).toBe(404);
    expect((await get({ path: "/status", plain: true })).status).toBe(301);
  });

  test("the log is one JSON object a line, and has neither secrets nor what people asked", async () => {
    const headers = {
      "x-telegram-bot-api-secret-token": "Secret",
      "user-agent": '"canary\\',
      cookie: "canary",
    };
    for (const query of ["", "?canary=1"]) {
      await get({ path: `/webhook/hello${query}`, method: "POST", headers, body: "canary" });
    }
    await get({ path: '/pay.me/now/"quoted"\\%0a%22%5c%09%00%ff?canary', headers });
    await get({ path: "/pay.me/now/%22%5c%0a%c3%a4?canary", headers });
    await get({ path: "/?canary", headers, plain: true });
    await get({ headers: { host: "canary.example.com" }, plain: true }).catch(() => undefined);
    await spoil(tree().ports.http, 'nonsense "canary\r\n\r\n');
    await spoil(tree().ports.http, "POST / HTTP/1.1\r\nHost: bots.example.com\r\nContent-Length: 9\r\n\r\nx");
    await spoilHttp2(tree().ports.https);
    // What is buffered is written at the end.
    await stop();
    const lines = readFileSync(tree().log, "utf8").trimEnd().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.length).toBeGreaterThan(6);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        time: expect.stringMatching(/^\d{4}-/),
        client: expect.stringMatching(/^127\./),
      });
      expect(typeof entry.status).toBe("number");
    }
    expect(entries).toContainEqual(
      expect.objectContaining({ method: "POST", path: "/webhook/hello", status: 200 }),
    );
    const text = lines.join("\n");
    expect(text).not.toMatch(/Secret/);
    expect(text.replaceAll("canary.example.com", "")).not.toMatch(/canary/);
  });
});

function statusByHttp2(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, {
      servername: "bots.example.com",
      rejectUnauthorized: false,
    });
    session.on("error", reject);
    const stream = session.request({ ":path": path, ":authority": "bots.example.com" });
    stream.on("response", (headers) => {
      resolve(Number(headers[":status"]));
      session.destroy();
    });
    stream.end();
  });
}

/** The headers with which an upgrade is answered. */
function upgradeAt(port: number, path: string, headers: Record<string, string>): Promise<object> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      servername: "bots.example.com",
      rejectUnauthorized: false,
    });
    socket.on("error", reject);
    const request = httpRequest({ path, headers, createConnection: () => socket });
    request.on("upgrade", (response) => {
      resolve(response.headers);
      socket.destroy();
    });
    request.on("response", ({ statusCode }) => reject(new Error(`answered with ${statusCode}`)));
    request.on("error", reject);
    request.end();
  });
}

/** Begins a request by HTTP/2 and goes away in the middle of its headers: nginx logs it with the status 000. */
async function spoilHttp2(port: number): Promise<void> {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const partOfHeaders = Buffer.from([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]);
  const options = { host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false };
  await new Promise<void>((resolve) => {
    const socket = connect({ ...options, servername: "bots.example.com" }, () => {
      socket.end(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, partOfHeaders]));
    });
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}

/** Sends something that is no whole request, and waits until the connection is closed. */
function spoil(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectPlain(port, "127.0.0.1", () => socket.end(text));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}
