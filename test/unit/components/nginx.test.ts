/** The edge's configuration as a real nginx takes it, whatever version the machine's packages have. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { featuresOf, type NginxFeatures, renderEdge, renderRoute } from "../../../components/edge/config.ts";
import { freePort, listens } from "../support/ports.ts";
import { endProcess, runProgram } from "../support/processes.ts";
import { findNginx, type Program } from "../support/programs.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import {
  type Answer,
  type Arrived,
  ask as askAt,
  type Question,
  startBot,
  startNames,
} from "../support/web.ts";

const folder = sharedFolder();
let nginx: Program;
let version: string;
let features: NginxFeatures;
let botPort: number;
let ports: { readonly http: number; readonly https: number; readonly dns: number };
let seen: readonly Arrived[];
const servers: { close(): unknown }[] = [];

beforeAll(async () => {
  nginx = await findNginx();
  const { stderr } = await runProgram(nginx.path, ["-v"], { env: nginx.env });
  version = /nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1] ?? "";
  features = featuresOf(`nginx:${version}`);
  const bot = await startBot();
  const names = await startNames("nobody-here");
  servers.push(bot.server, names.server);
  botPort = bot.port;
  seen = bot.arrived;
  ports = { http: await freePort(), https: await freePort(), dns: names.port };
  mkdirSync(join(folder, "tls"));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", join(folder, "tls/privkey.pem"), "-out", join(folder, "tls/fullchain.pem")];
  const subject = ["-subj", "/CN=bots.example.com", "-days", "2"];
  const made = await runProgram("openssl", ["req", "-x509", ...key, ...subject, ...files]);
  expect(made.code, made.stderr).toBe(0);
  // The first time it may have to download.
}, 180_000);

afterAll(() => {
  for (const server of servers) server.close();
});

/** Writes a tree like the host's; only what belongs to the container is exchanged for what this machine has. */
function writeTree(
  name: string,
  core: string,
  routes: Record<string, Readonly<Record<string, string>>>,
): string {
  const tree = join(folder, name);
  mkdirSync(join(tree, "routes"), { recursive: true });
  writeFileSync(join(tree, "mime.types"), "types { text/html html; }\n");
  const fitted = core
    .replace("user nginx;", process.getuid?.() === 0 ? "user root;" : "")
    .replace("/etc/nginx/mime.types", join(tree, "mime.types"))
    .replace("access_log /dev/stdout;", "access_log off;")
    .replaceAll("/run/nginx", join(tree, "run-"))
    .replaceAll(" tls/", ` ${join(folder, "tls")}/`)
    .replace("listen 80 ", `listen 127.0.0.1:${ports.http} `)
    .replace("listen 443 ", `listen 127.0.0.1:${ports.https} `)
    .replace("127.0.0.11", `127.0.0.1:${ports.dns}`);
  writeFileSync(join(tree, "nginx.conf"), fitted);
  for (const [bot, files] of Object.entries(routes)) {
    for (const [file, text] of Object.entries(files))
      writeFileSync(join(tree, "routes", `${bot}.${file}`), text);
  }
  return join(tree, "nginx.conf");
}

function someRoutes() {
  const common = { port: botPort, maxConnections: 40 };
  return {
    hello: renderRoute({ ...common, bot: "hello", container: "hello-0a1b2c3", path: "/webhook" }),
    "shop-bot": renderRoute({ ...common, bot: "shop-bot", container: "shop-bot-4d5e6f7", path: "/" }),
    shop: renderRoute({ ...common, bot: "shop", container: "shop-1111111", path: "/bot/updates/" }),
    gone: renderRoute({ ...common, bot: "gone", container: "nobody-here", path: "/webhook" }),
  };
}

async function accepts(config: string): Promise<{ accepted: boolean; said: string }> {
  const { code, stderr } = await runProgram(nginx.path, ["-t", "-q", "-c", config], { env: nginx.env });
  return { accepted: code === 0, said: stderr };
}

function ask(question: Omit<Question, "port">): Promise<Answer> {
  return askAt({ ...question, port: question.plain === true ? ports.http : ports.https });
}

const edge = { name: "bots.example.com", httpsPort: 443 };

describe("nginx -t", () => {
  test("takes the core and the routes of its own version, without a warning", async () => {
    const config = writeTree("own", renderEdge({ ...edge, features }), someRoutes());
    expect(await accepts(config)).toEqual({ accepted: true, said: "" });
  });

  test("takes a core without any route", async () => {
    const config = writeTree("bare", renderEdge({ ...edge, httpsPort: 8443, features }), {});
    expect(await accepts(config)).toEqual({ accepted: true, said: "" });
  });

  test("takes the form for old versions", async () => {
    const none: NginxFeatures = { resolvesUpstreams: false, keepaliveMinTimeout: false, http2: false };
    const config = writeTree("old", renderEdge({ ...edge, features: none }), someRoutes());
    expect(await accepts(config)).toEqual({ accepted: true, said: "" });
  });

  test.for(["resolvesUpstreams", "keepaliveMinTimeout", "http2"] as const)(
    "takes %s exactly if the table of versions says so",
    async (feature) => {
      const given = { resolvesUpstreams: false, keepaliveMinTimeout: false, http2: false, [feature]: true };
      const config = writeTree(feature, renderEdge({ ...edge, features: given }), someRoutes());
      const { accepted, said } = await accepts(config);
      expect(accepted, said).toBe(features[feature]);
    },
  );
});

describe("a running edge", () => {
  let child: ChildProcess;
  beforeAll(async () => {
    const config = writeTree("running", renderEdge({ ...edge, features }), someRoutes());
    child = spawn(nginx.path, ["-c", config, "-g", "daemon off;"], { env: nginx.env, stdio: "ignore" });
    while (!(await listens(ports.https))) {
      if (child.exitCode !== null) throw new Error(`nginx ${version} ended with ${child.exitCode}`);
      await delay(10);
    }
  });
  afterAll(() => endProcess(child));

  test.for([
    { path: "/webhook/hello", arrives: "/webhook" },
    { path: "/webhook/shop-bot", arrives: "/" },
    { path: "/webhook/shop", arrives: "/bot/updates/" },
  ])("an update to $path arrives at $arrives", async ({ path, arrives }) => {
    const body = JSON.stringify({ update_id: 1, text: "🌱".repeat(2000) });
    const answer = await ask({
      path,
      method: "POST",
      body,
      headers: { "x-telegram-bot-api-secret-token": "Secret" },
    });
    expect(answer.status).toBe(200);
    expect(seen.at(-1)).toMatchObject({
      method: "POST",
      url: arrives,
      body,
      headers: {
        "x-telegram-bot-api-secret-token": "Secret",
        "x-forwarded-proto": "https",
        host: "bots.example.com",
      },
    });
  });

  test("what a client claims about its address does not reach the bot", async () => {
    await ask({
      path: "/webhook/hello",
      method: "POST",
      headers: { "x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6" },
    });
    expect(seen.at(-1)?.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1" });
  });

  test("a path that is not exactly a bot's reaches no bot", async () => {
    const before = seen.length;
    for (const path of [
      "/webhook/hello/",
      "/webhook/Hello",
      "/webhook/hello2",
      "/webhook/",
      "/webhook",
      "/",
      "/bot",
    ]) {
      expect((await ask({ path, method: "POST" })).status, path).toBe(404);
    }
    expect(seen).toHaveLength(before);
  });

  test("a bot takes nothing but POST", async () => {
    const before = seen.length;
    for (const method of ["GET", "PUT", "DELETE", "HEAD"]) {
      expect((await ask({ path: "/webhook/hello", method })).status, method).toBe(403);
    }
    expect(seen).toHaveLength(before);
  });

  test("a bot that is not there is an error of its own route alone", async () => {
    expect((await ask({ path: "/webhook/gone", method: "POST" })).status).toBe(502);
    expect((await ask({ path: "/webhook/hello", method: "POST" })).status).toBe(200);
  });

  test("its own health needs no bot, over HTTP and HTTPS", async () => {
    expect(await ask({ path: "/healthz", method: "GET" })).toMatchObject({ status: 200, body: "ok\n" });
    expect(await ask({ path: "/healthz", method: "GET", plain: true })).toMatchObject({
      status: 200,
      body: "ok\n",
    });
  });

  test("plain HTTP leads to HTTPS", async () => {
    const { status, headers } = await ask({ path: "/webhook/hello?a=b", method: "GET", plain: true });
    expect(status).toBe(301);
    expect(headers.location).toBe("https://bots.example.com/webhook/hello?a=b");
  });

  test("it tells no version, and sets the headers that browsers heed", async () => {
    const { headers } = await ask({ path: "/nowhere", method: "GET" });
    expect(headers.server).toBe("nginx");
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "DENY" });
  });

  test("a body above one megabyte is refused", async () => {
    const before = seen.length;
    const body = "x".repeat(1024 * 1024 + 1);
    expect((await ask({ path: "/webhook/hello", method: "POST", body })).status).toBe(413);
    expect(seen).toHaveLength(before);
  });
});

test("another HTTPS port is part of where plain HTTP leads", () => {
  expect(renderEdge({ ...edge, httpsPort: 8443, features })).toContain(
    "https://bots.example.com:8443$request_uri",
  );
});
