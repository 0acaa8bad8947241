/** Bots that are held on purpose: edge.sh on a real Docker engine with a real nginx. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker, dockerLines } from "../../../sandbox/engine/docker.ts";
import { EdgeHost } from "../support/edge-host.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import { type Answer, ask } from "../support/web.ts";
import { makeCertificate } from "../telegram/certificates.ts";

const site = { name: "bots.example.com", certificate: "0a1b2c3d" };
const secret = "Secret-1";
// The engine is shared with other tests, and a bot that polls is found by its label.
const id = randomBytes(3).toString("hex");
const [hello, shop, poller] = [`hello-${id}`, `shop-${id}`, `poller-${id}`] as const;
let host: EdgeHost;
let address: string;

beforeAll(async () => {
  host = await EdgeHost.open(sharedFolder());
  host.install(site.certificate, makeCertificate({ cn: site.name }));
  await host.configure(site);
  for (const bot of [hello, shop, poller]) await host.startBot(bot);
  await host.start();
  expect(await host.edge(["settle"])).toMatchObject({ code: 0 });
  address = await host.address();
  await host.route(hello, secret);
  await host.route(shop, secret, { pages: { path: "/shop", port: 8080 } });
}, 900_000);
afterAll(() => host.close());

function post(bot: string, presented = secret): Promise<Answer> {
  const headers = { "x-telegram-bot-api-secret-token": presented };
  return ask({ address, port: 443, path: `/webhook/${bot}`, method: "POST", headers });
}

/** Asks until the edge's new workers answer: a reload needs a moment. */
async function until(question: () => Promise<Answer>, wanted: Partial<Answer>): Promise<void> {
  await expect.poll(question, { timeout: 60_000, interval: 50 }).toMatchObject(wanted);
}

const isPaused = async (bot: string) => (await host.edge(["paused", bot])).code === 0;
const marks = () => readdirSync(join(host.tree, "paused"));
const said = (code: number, stdout: string) => ({ code, stdout, stderr: "" });

test("a paused bot's updates get 503 and when to come again, and the other bots' do not", async () => {
  await until(() => post(hello), { status: 200 });
  expect(await isPaused(hello)).toBe(false);
  expect(await host.edge(["pause", hello])).toEqual(said(0, "webhook\n"));
  await expect
    .poll(() => post(hello), { timeout: 60_000, interval: 50 })
    .toMatchObject({ status: 503, headers: { "retry-after": "60" } });
  expect(await post(shop)).toMatchObject({ status: 200 });
  expect(await isPaused(hello)).toBe(true);
  expect(await isPaused(shop)).toBe(false);
});

test("pausing it again changes nothing, nor does any release or change of the core end it", async () => {
  const before = host.current;
  expect(await host.edge(["pause", hello])).toEqual(said(0, "webhook\n"));
  expect(host.current).toBe(before);

  expect(await host.route(hello, "Secret-2", { container: `${hello}-9999999` })).toMatchObject({ code: 0 });
  expect(await host.edge(["confirm", hello])).toMatchObject({ code: 0 });
  expect(await host.configure(site, { "people.conf": "# other\n" })).toMatchObject({ code: 0 });
  expect(await host.edge(["adopt"])).toMatchObject({ code: 0 });
  expect(host.read(`routes/${hello}.guard`)).toBe("add_header Retry-After 60 always;\nreturn 503;\n");
  await until(() => post(hello, "Secret-2"), { status: 503 });
});

test("resume gives it its updates again, with the secret of meanwhile", async () => {
  const started = Date.now() - 1000;
  expect(await host.route(hello, "Secret-2")).toMatchObject({ code: 0 });
  expect(await host.edge(["resume", hello])).toEqual(said(0, "webhook\n"));
  await until(() => post(hello, "Secret-2"), { status: 200 });
  await until(() => post(hello), { status: 403 });
  expect(marks()).toEqual([]);
  const resumed = join(host.tree, "resumed", hello);
  const { mtimeMs } = statSync(resumed);
  expect(mtimeMs).toBeGreaterThan(started);
  expect(await host.edge(["resume", hello])).toEqual(said(0, "webhook\n"));
  expect(statSync(resumed).mtimeMs).toBe(mtimeMs);
});

test("the pages of a paused bot stay open", async () => {
  const page = () => ask({ address, port: 443, path: "/shop", method: "GET" });
  expect(await host.edge(["pause", shop])).toEqual(said(0, "webhook\n"));
  await until(() => post(shop), { status: 503 });
  expect(await page()).toMatchObject({ status: 200 });
  expect(await host.edge(["resume", shop])).toEqual(said(0, "webhook\n"));
  await until(() => post(shop), { status: 200 });
});

test("a pause that was killed before nginx knew it is made good by the next", async () => {
  await host.killed(["pause", hello], "-s reload");
  expect(await host.edge(["pause", hello])).toEqual(said(0, "webhook\n"));
  await until(() => post(hello, "Secret-2"), { status: 503 });
  expect(await host.edge(["resume", hello])).toMatchObject({ code: 0 });
});

/** The poller's containers, the newest first, as `NAME STATE`. */
const pollers = () =>
  dockerLines([
    ...["ps", "--all", "--filter", `label=botgarden.bot=${poller}`],
    ...["--format", "{{.Names}} {{.State}}"],
  ]);

test("a bot that polls is stopped, and its last good release started again", async () => {
  const name = (await pollers())[0]?.split(" ")[0] ?? "";
  host.remember(poller, name);
  // One that failed its gate.
  const failed = await host.startBot(poller);
  await docker(["stop", failed]);
  const states = async () => (await pollers()).map((line) => line.split(" ")[1]);
  // Its pages go through the edge, its updates do not.
  const route = () =>
    host.route(poller, null, { webhook: undefined, pages: { path: "/poller", port: 8080 } });
  await route();
  for (let round = 0; round < 2; round += 1) {
    expect(await host.edge(["pause", poller])).toEqual(said(0, "polling\n"));
    expect(await states()).toEqual(["exited", "exited"]);
    expect(await isPaused(poller)).toBe(true);
  }
  expect(await route()).toMatchObject({ code: 0 });
  // What its next release does before it starts.
  expect(await host.edge(["unroute", poller])).toMatchObject({ code: 0 });
  expect(await isPaused(poller)).toBe(true);
  for (let round = 0; round < 2; round += 1) {
    expect(await host.edge(["resume", poller])).toEqual(said(0, "polling\n"));
    expect(await states()).toEqual(["exited", "running"]);
  }

  // By an earlier version.
  await docker(["pause", name]);
  expect(await host.edge(["resume", poller])).toEqual(said(0, "polling\n"));
  expect(await states()).toEqual(["exited", "running"]);
  await docker(["pause", name]);
  expect(await host.edge(["pause", poller])).toEqual(said(0, "polling\n"));
  expect(await states()).toEqual(["exited", "exited"]);

  host.remember(poller, "gone");
  const refused = await host.edge(["resume", poller]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(
    /botgarden: gone, the last good release of bot \S+, cannot be started .*pulumi up/,
  );
  host.remember(poller, name);
  expect(await host.edge(["resume", poller])).toEqual(said(0, "polling\n"));
});

test("a release that came meanwhile is tried when the bot goes on", async () => {
  expect(await host.edge(["pause", poller])).toEqual(said(0, "polling\n"));
  const bad = await host.createBot(poller, "echo I cannot start; exit 7");
  host.remember(poller, bad);
  const refused = await host.edge(["resume", poller]);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toBe(
    `I cannot start\nbotgarden: bot ${poller} is no longer paused, but ${bad} does not stay up: the last lines of its log are above.\n` +
      `Go back to the release before (npm run rollback -- ${poller}), or correct the bot and run pulumi up.\n`,
  );
  expect(await isPaused(poller)).toBe(false);

  expect(await host.edge(["pause", poller])).toEqual(said(0, "polling\n"));
  const good = await host.createBot(poller, "sleep 600");
  host.remember(poller, good);
  expect(await host.edge(["resume", poller])).toEqual(said(0, "polling\n"));
  expect(await docker(["inspect", "--format", "{{.State.Status}}", good])).toBe("running");
});

test("a bot whose first release is under way is held by its route when that is there, and runs on", async () => {
  const fresh = `fresh-${id}`;
  const container = await host.startBot(fresh);
  const lock = join(host.root, `lock-release-${fresh}.lock`);
  const gate = spawn("flock", [lock, "sh", "-c", "echo held; read -r _"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(gate.stdout, "data");
  const paused = host.edge(["pause", fresh]);
  await expect.poll(() => existsSync(join(host.tree, "paused", fresh)), { timeout: 60_000 }).toBe(true);
  await host.route(fresh, secret);
  gate.stdin.end();
  expect(await paused).toEqual(said(0, "webhook\n"));
  expect(await docker(["inspect", "--format", "{{.State.Status}}", container])).toBe("running");
  await until(() => post(fresh), { status: 503 });
  await host.edge(["withdraw", fresh]);
});

test("a bot that is removed and comes back is not paused", async () => {
  for (const bot of [hello, poller]) {
    await host.edge(["pause", bot]);
    expect(await host.edge(["withdraw", bot])).toMatchObject({ code: 0 });
    expect(await isPaused(bot)).toBe(false);
    expect(readdirSync(join(host.tree, "resumed"))).not.toContain(bot);
  }
  await host.edge(["resume", poller]);
  expect(await host.route(hello, "Secret-3")).toMatchObject({ code: 0 });
  await until(() => post(hello, "Secret-3"), { status: 200 });
});

test("a bot that is not there is refused with those that are", async () => {
  const refused = await host.edge(["pause", "nobody"]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^botgarden: there is no bot nobody in the garden.* There are: /);
  for (const bot of [hello, shop, poller]) expect(refused.stderr).toContain(bot);
  expect(marks()).toEqual([]);
  for (const bot of ["", "../x", "-x"]) expect((await host.edge(["pause", bot])).code).toBe(1);
});

test("nothing of it outlives the edge", async () => {
  await host.edge(["pause", hello]);
  expect(await host.edge(["forget"])).toMatchObject({ code: 0 });
  expect(existsSync(host.tree)).toBe(false);
});
