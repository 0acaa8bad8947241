/** status.sh on a host whose Docker tells what the test wants, with the real curl against a real server. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Connection } from "../../../components/host/connection.ts";
import { connectionTo } from "../../../components/host/connection.ts";
import type { GardenFacts } from "../../../operations/facts.ts";
import { Failure } from "../../../operations/failure.ts";
import { lookAtHost } from "../../../operations/look.ts";
import { findClient, type Program } from "../support/programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const token = `123456789:${"A".repeat(35)}`;

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

/** A Bot API of one answer; gives its root and the paths that were asked for. */
async function botApi(status: number, body: string): Promise<{ root: string; paths: string[] }> {
  const paths: string[] = [];
  server = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.writeHead(status).end(body);
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { root: `http://127.0.0.1:${address.port}`, paths };
}

interface FakeContainer {
  readonly name: string;
  readonly bot?: string;
  readonly running?: boolean;
  readonly created?: string;
  readonly env?: readonly string[];
}

function inspected({ name, bot, running = true, created = "2026-01-01T00:00:00Z", env = [] }: FakeContainer) {
  return {
    Name: `/${name}`,
    Id: name,
    Created: created,
    Image: "sha256:1",
    RestartCount: 0,
    State: {
      Status: running ? "running" : "exited",
      ExitCode: 0,
      OOMKilled: false,
      StartedAt: created,
      FinishedAt: created,
    },
    Config: {
      Env: env,
      Labels: {
        "botgarden.garden": "prod",
        "botgarden.part": bot === undefined ? "edge" : "bot",
        ...(bot === undefined ? {} : { "botgarden.bot": bot }),
      },
    },
    HostConfig: { Memory: 1024 },
  };
}

/** A line of shell that becomes a program of this machine or of the tests' own. */
function runs({ path, env }: Program): string {
  return `LD_LIBRARY_PATH='${env.LD_LIBRARY_PATH ?? ""}' exec ${path} "$@"`;
}

/** A host with these containers; every call of a program with its arguments ends up in the file `calls`. */
async function host(containers: readonly FakeContainer[], programs: Record<string, string> = {}) {
  const folder = temporaryFolder();
  const calls = join(folder, "calls");
  writeFileSync(calls, "");
  writeFileSync(join(folder, "inspect.json"), JSON.stringify(containers.map(inspected)));
  mkdirSync(join(folder, "bin"));
  const docker = `case "$1 $2" in
    "version --format") echo '{"state":"ok","version":"26.1.5"}';;
    "ps -aq") printf '%s\\n' ${containers.map(({ name }) => name).join(" ") || '""'} | grep . || true;;
    "inspect "*) cat ${folder}/inspect.json;;
    "info --format") echo /;;
    *) exit 1;;
  esac`;
  for (const [name, text] of Object.entries({
    docker,
    curl: runs(await findClient("curl")),
    jq: runs(await findClient("jq")),
    ...programs,
  })) {
    writeFileSync(join(folder, "bin", name), `#!/bin/bash\necho "${name} $*" >>${calls}\n${text}\n`);
    chmodSync(join(folder, "bin", name), 0o755);
  }
  const ssh = connectionTo({ host: { kind: "ssh", user: "root", address: "203.0.113.10", port: 22 } });
  const connection: Connection = {
    ...ssh,
    freshInterpreter: [
      "/bin/sh",
      "-c",
      `PATH='${folder}/bin':/usr/bin:/bin; sed 's#/var/lib/botgarden#${folder}/var#; s#^scripts=.*#scripts=${folder}/bin#' | eval "$1"`,
      "sh",
    ],
  };
  return { folder, connection, calls: () => readFileSync(calls, "utf8") };
}

async function look(connection: Connection): Promise<GardenFacts> {
  const facts = await lookAtHost(connection);
  if (!("now" in facts)) throw new Error(`Docker is ${facts.docker.state}`);
  return facts;
}

test("Telegram is asked with the bot's own token and API root, and neither is in any argument or in the facts", async () => {
  const info = { url: "https://x/webhook/hello", has_custom_certificate: false, pending_update_count: 7 };
  const { root, paths } = await botApi(200, JSON.stringify({ ok: true, result: info }));
  const env = [
    `BOT_TOKEN=${token}`,
    `TELEGRAM_API_ROOT=${root}`,
    "WEBHOOK_URL=https://x/webhook/hello",
    "WEBHOOK_SECRET=very-secret",
    "POSTGRES_DB=hello",
    "MULTI=one\ntwo=three",
  ];
  const { connection, calls } = await host([
    { name: "hello-1", bot: "hello", env },
    { name: "botgarden-edge" },
  ]);
  const facts = await look(connection);
  expect(paths).toEqual([`/bot${token}/getWebhookInfo`]);
  expect(facts.webhooks).toEqual({ hello: { status: 200, error: "", description: null, info } });
  expect(facts.containers.find(({ bot }) => bot === "hello")).toMatchObject({
    name: "hello-1",
    webhookUrl: "https://x/webhook/hello",
    wantsDatabase: true,
    serving: true,
    stack: "prod",
  });
  expect(calls()).toMatch(/^curl --parallel/m);
  for (const text of [calls(), JSON.stringify(facts)]) {
    expect(text).not.toContain(token);
    expect(text).not.toContain("very-secret");
  }
});

test("a refused token and a body that is no JSON are told as what they are", async () => {
  const refused = await botApi(401, '{"ok":false,"error_code":401,"description":"Unauthorized"}');
  const env = (root: string) => [`BOT_TOKEN=${token}`, `TELEGRAM_API_ROOT=${root}`];
  const first = await look((await host([{ name: "a", bot: "hello", env: env(refused.root) }])).connection);
  expect(first.webhooks?.hello).toMatchObject({ status: 401, description: "Unauthorized", info: null });
  server?.close();
  const broken = await botApi(502, "<html>");
  const second = await look((await host([{ name: "a", bot: "hello", env: env(broken.root) }])).connection);
  expect(second.webhooks?.hello).toMatchObject({ status: 502, info: null });
});

test("an API that cannot be reached costs only its own answer, and curl's words hold no token", async () => {
  const gone = await botApi(200, "");
  const port = new URL(gone.root).port;
  server?.close();
  const env = [`BOT_TOKEN=${token}`, `TELEGRAM_API_ROOT=http://127.0.0.1:${port}`];
  const facts = await look((await host([{ name: "a", bot: "hello", env }])).connection);
  expect(facts.webhooks?.hello).toMatchObject({ status: 0, info: null });
  expect(facts.webhooks?.hello?.error).toMatch(/connect/i);
  expect(JSON.stringify(facts)).not.toContain(token);
});

test("an environment that would write curl's configuration is not asked with", async () => {
  const { root, paths } = await botApi(200, "{}");
  const bots = [
    `BOT_TOKEN=${token}"\noutput = "/tmp/x`,
    "BOT_TOKEN=",
    `BOT_TOKEN=${token}\noutput = "/tmp/x"`,
    `BOT_TOKEN=x\n${token}`,
    `BOT_TOKEN=${token}/../x`,
  ].map((line, index) => ({
    name: `b${index}-1`,
    bot: `b${index}`,
    env: [line, `TELEGRAM_API_ROOT=${root}`],
  }));
  const other = {
    name: "c-1",
    bot: "c",
    env: [`BOT_TOKEN=${token}`, `TELEGRAM_API_ROOT=${root}"\nurl = "${root}`],
  };
  const facts = await look((await host([...bots, other])).connection);
  expect(paths).toEqual([]);
  expect(facts.webhooks ?? {}).toEqual({});
});

test("the newest container that runs serves a bot without a route", async () => {
  const { connection } = await host([
    { name: "h-1", bot: "hello", created: "2026-01-01T00:00:00Z" },
    { name: "h-2", bot: "hello", created: "2026-01-02T00:00:00Z" },
    { name: "h-3", bot: "hello", created: "2026-01-03T00:00:00Z", running: false },
    { name: "gone-1", bot: "gone", created: "2026-01-01T00:00:00Z", running: false },
    { name: "gone-2", bot: "gone", created: "2026-01-02T00:00:00Z", running: false },
    { name: "botgarden-edge" },
  ]);
  const { containers } = await look(connection);
  const serving = containers.filter((each) => each.serving).map(({ name }) => name);
  expect(serving.sort()).toEqual(["botgarden-edge", "gone-2", "h-2"]);
});

test("the last good release serves a bot that is held, also after a newer one failed", async () => {
  const { folder, connection } = await host(
    [
      { name: "h-1", bot: "hello", created: "2026-01-01T00:00:00Z", running: false },
      { name: "h-2", bot: "hello", created: "2026-01-02T00:00:00Z", running: false },
      { name: "h-3", bot: "hello", created: "2026-01-03T00:00:00Z", running: false },
      { name: "other-1", bot: "other", created: "2026-01-01T00:00:00Z", running: false },
      { name: "other-2", bot: "other", created: "2026-01-02T00:00:00Z" },
    ],
    { "bot-records": 'case "$*" in "serving hello") echo h-2;; "serving other") echo other-1;; esac' },
  );
  for (const bot of ["hello", "other", "new"])
    mkdirSync(join(folder, "var/releases", bot), { recursive: true });
  const { containers } = await look(connection);
  const serving = containers.filter((each) => each.serving).map(({ name }) => name);
  expect(serving.sort()).toEqual(["h-2", "other-2"]);
});

test("a host with nothing of a garden tells its disks and memory", async () => {
  const facts = await look((await host([])).connection);
  expect(facts).toMatchObject({ containers: [], docker: { state: "ok", version: "26.1.5" }, postgres: null });
  expect(facts.memory?.total).toBeGreaterThan(facts.memory?.available ?? Number.POSITIVE_INFINITY);
  expect(facts.disks?.[0]).toMatchObject({ mount: "/" });
});

test.each([
  ["down", "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"],
  ["denied", "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1"],
])("Docker that is %s", async (state, docker) => {
  expect(await lookAtHost((await host([], { docker })).connection)).toEqual({ docker: { state } });
});

test("a host that prints something else is not believed", async () => {
  const { connection } = await host([]);
  const chatty = { ...connection, freshInterpreter: ["/bin/sh", "-c", "cat >/dev/null; echo welcome", "sh"] };
  await expect(lookAtHost(chatty)).rejects.toThrow(Failure);
});
