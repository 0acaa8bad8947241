/** database.sh and password.sh on a real Postgres: when another password of a bot counts. */
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { scramVerifier } from "../../../components/postgres/scram.ts";
import { docker } from "../../../sandbox/engine/docker.ts";
import { DatabaseHost } from "../support/database-host.ts";
import { type Ended, runProgram } from "../support/processes.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const root = sharedFolder();
let host: DatabaseHost;
let number = 0;
let bot: string;

beforeAll(async () => {
  host = await DatabaseHost.open(root);
}, 900_000);
afterAll(() => host.close());
beforeEach(() => {
  number += 1;
  bot = `bot-${number}`;
  serves("");
});

/** What bot-records knows to be the bot's last good release. */
function serves(container: string): void {
  writeFileSync(join(root, "bin/bot-records"), `#!/bin/sh\necho '${container}'\n`, { mode: 0o755 });
}

const run = (script: string, action: string, input = ""): Promise<Ended> =>
  runProgram(join(root, "bin", script), [action, bot], { input });

async function ensure(password: string): Promise<string> {
  const settings = { connectionLimit: "5", statementTimeout: "30000", idleTimeout: "60000" };
  const input = JSON.stringify({ verifier: scramVerifier(bot, password), ...settings });
  const ended = await run("postgres-database", "ensure", input);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stderr;
}

async function password(action: "take" | "give-back" | "keep"): Promise<void> {
  expect(await run("postgres-password", action)).toEqual({ code: 0, stdout: "", stderr: "" });
}

async function expectPassword(is: string): Promise<void> {
  const kept = await host.sql("postgres", `SELECT rolpassword FROM pg_authid WHERE rolname = '${bot}'`);
  expect(kept).toBe(scramVerifier(bot, is));
}

const files = () =>
  existsSync(join(root, "var/passwords"))
    ? readdirSync(join(root, "var/passwords")).filter((name) => name.startsWith(`${bot}.`))
    : [];

/** A bot with a password, and a container that serves with it. */
async function served(): Promise<string> {
  await ensure("first");
  const container = await host.release(bot);
  serves(container);
  return container;
}

const timeout = 120_000;

test("a bot's first password counts at once", { timeout }, async () => {
  await ensure("first");
  await expectPassword("first");
});

test("a new one waits for a release, and counts when it is good", { timeout }, async () => {
  await served();
  expect(await ensure("second")).toContain("its new database password counts from its next release on");
  await expectPassword("first");
  // A run that is repeated.
  await ensure("second");
  await expectPassword("first");
  await password("take");
  await expectPassword("second");
  await password("keep");
  await password("give-back");
  await expectPassword("second");
  expect(await ensure("second")).toBe("");
  expect(files()).toEqual([`${bot}.kept`]);
});

test("a release that fails gives the former one back, as often as it is tried", { timeout }, async () => {
  await served();
  await ensure("second");
  for (const _ of [1, 2]) {
    await password("take");
    await expectPassword("second");
    await password("give-back");
    await expectPassword("first");
  }
  await ensure("third");
  await password("take");
  await password("keep");
  await expectPassword("third");
});

test("a release that was killed has the former one given back by the next one that fails", {
  timeout,
}, async () => {
  await served();
  await ensure("second");
  await password("take");
  await ensure("second");
  await password("take");
  await expectPassword("second");
  await password("give-back");
  await expectPassword("first");
});

test("it is put right at once if it was changed by hand, or if nothing serves", { timeout }, async () => {
  const container = await served();
  await host.sql("postgres", `ALTER ROLE "${bot}" PASSWORD 'by hand'`);
  await ensure("first");
  await expectPassword("first");
  await docker(["rm", "--force", container]);
  await ensure("second");
  await expectPassword("second");
});

test("what is kept is for root alone, holds no password, and goes with the role", { timeout }, async () => {
  await served();
  await ensure("second");
  await password("take");
  expect(files()).toEqual([`${bot}.former`, `${bot}.kept`, `${bot}.next`]);
  expect(statSync(join(root, "var/passwords")).mode & 0o777).toBe(0o700);
  for (const file of files()) {
    const path = join(root, "var/passwords", file);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  const ended = await run("postgres-database", "drop");
  expect(ended.code, ended.stderr).toBe(0);
  expect(files()).toEqual([]);
});

test("a Postgres that is down is told of, and nothing is forgotten", { timeout }, async () => {
  await served();
  await ensure("second");
  await password("take");
  await docker(["stop", host.id]);
  try {
    expect((await run("postgres-password", "give-back")).code).not.toBe(0);
  } finally {
    await docker(["start", host.id]);
  }
  const ready = ["exec", host.id, "pg_isready", "-qh", "127.0.0.1", "-U", "postgres"];
  await expect.poll(async () => (await runProgram("docker", ready)).code, { timeout: 60_000 }).toBe(0);
  await password("give-back");
  await expectPassword("first");
});
