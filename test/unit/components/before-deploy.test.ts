/** before-deploy.sh with a real Docker engine and a real Postgres. */
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker } from "../../../sandbox/engine/docker.ts";
import { DatabaseHost } from "../support/database-host.ts";
import { runProgram } from "../support/processes.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const root = sharedFolder();
let host: DatabaseHost;
let bots = 0;

beforeAll(async () => {
  host = await DatabaseHost.open(root);
  // The first time it may have to make images.
}, 900_000);
afterAll(() => host.close());

/** A new bot with a table of three rows. */
async function newBot(): Promise<string> {
  bots += 1;
  const bot = `bot-${bots}`;
  await host.addBot(bot);
  await host.sql(
    bot,
    `CREATE TABLE item AS SELECT generate_series(1, 3) AS id; ALTER TABLE item OWNER TO "${bot}"`,
  );
  return bot;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(50);
}

/** Docker may list a container that it does not find yet when it is asked for it. */
function untilRunning(container: string): Promise<void> {
  const question = ["inspect", "--format", "{{.State.Running}}", container];
  return until(async () => (await runProgram("docker", question)).stdout === "true\n");
}

const rows = (bot: string) => host.sql(bot, "SELECT count(*) FROM item");
const sessions = (bot: string) =>
  host.sql("postgres", `SELECT count(*) FROM pg_stat_activity WHERE usename = '${bot}'`);
const insert = ["psql", "-qc", "INSERT INTO item VALUES (4)"];
const alone = { database: false };
const timeout = 300_000;

describe("a command that works", { timeout }, () => {
  test("runs once for a container, after a dump", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const command = ["psql", "-qAtc", "INSERT INTO item VALUES (4) RETURNING 'now at ' || id"];
    const first = await host.step(bot, container, { command });
    expect(first, first.stderr).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toMatch(/dumping database[\s\S]*running psql[\s\S]*done in \d+ s: .*now at 4/);
    const second = await host.step(bot, container, { command });
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining("ran already") });
    expect(await rows(bot)).toBe("4");
    expect(host.dumps(bot)).toEqual(["before-release-1.dump", "before-release-1.dump.sha256"]);
    expect(await restoredRows(bot, "before-release-1.dump")).toBe("3");
    expect(await host.left()).toEqual([]);
  });

  test("runs again for another container and for another command", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    await host.step(bot, container, { command: insert, ...alone });
    await host.step(bot, await host.release(bot), { command: insert, ...alone });
    await host.step(bot, container, { command: [...insert, "-q"], ...alone });
    expect(await rows(bot)).toBe("6");
    expect(host.dumps(bot)).toEqual([]);
  });

  test("has what the new release has, but no name, no restart and no label of a release", async () => {
    const bot = await newBot();
    const container = await host.release(bot, ["--volume", `${host.id}-${bot}:/data`, "--read-only"]);
    const waits = ["sh", "-c", "until [ -e /data/go ]; do sleep 0.1; done; id -u >/data/user"];
    const { ended } = host.begin(bot, container, { command: waits, ...alone });
    const step = `${host.id}-step-${bot}`;
    await untilRunning(step);
    const [given, made] = [await inspect(container), await inspect(step)];
    expect(made.Config).toMatchObject({
      Env: given.Config.Env,
      User: "999:999",
      Healthcheck: { Test: ["NONE"] },
      Labels: { "botgarden.garden": "unit", "botgarden.part": "before-deploy", "botgarden.oneoff": bot },
    });
    expect(made.Config.Labels).not.toHaveProperty("botgarden.bot");
    expect({ ...made.HostConfig, ContainerIDFile: "" }).toEqual({
      ...given.HostConfig,
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      PidsLimit: 512,
    });
    expect(made.Image).toBe(given.Image);
    const networks = made.NetworkSettings.Networks;
    expect(Object.keys(networks)).toEqual([host.id]);
    expect(networks[host.id]?.Aliases ?? []).not.toContain(bot);
    await runProgram("docker", ["exec", "-u", "0", step, "touch", "/data/go"]);
    await ended;
    await runProgram("docker", ["volume", "rm", "--force", `${host.id}-${bot}`]);
  });

  test("is not run twice by two runs at once", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const both = await Promise.all(
      [1, 2].map(() => host.step(bot, container, { command: insert, ...alone })),
    );
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await rows(bot)).toBe("4");
  });
});

describe("a command that fails", { timeout }, () => {
  test("ends the step with its code and its last 50 lines, and its dump outlives further tries", async () => {
    const bot = await newBot();
    // One stream: Docker takes a container's two in any order.
    const script = "psql -qc 'DELETE FROM item WHERE id = (SELECT max(id) FROM item)'; seq 1 60; exit 7";
    const command = ["sh", "-c", script];
    const first = await host.step(bot, await host.release(bot), { command });
    expect(first.code).toBe(1);
    expect(first.stderr).toContain(`the command of bot ${bot} before its release`);
    expect(first.stderr).toMatch(/exit code 7\n.*last 50 lines[^\n]*\n11\n12\n[\s\S]*\n60\n/);
    expect(first.stderr).not.toMatch(/^10$/m);
    expect(first.stderr).not.toContain("the-secret-of-the-bot");
    expect(await host.left()).toEqual([]);
    const again = await host.step(bot, await host.release(bot), { command });
    expect(again.code).toBe(1);
    expect(await rows(bot)).toBe("1");
    expect(await restoredRows(bot, "before-release-1.dump")).toBe("3");
    expect(await restoredRows(bot, "before-release-1-retry.dump")).toBe("2");
  });

  test("runs again in the next run of the same container", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const command = ["psql", "-c", "INSERT INTO later VALUES (1)"];
    expect((await host.step(bot, container, { command, ...alone })).stderr).toContain(
      '"later" does not exist',
    );
    await host.sql(bot, `CREATE TABLE later (id int); ALTER TABLE later OWNER TO "${bot}"`);
    expect((await host.step(bot, container, { command, ...alone })).code).toBe(0);
  });

  test("or is not in the image, or needs too much memory, says so", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const absent = await host.step(bot, container, { command: ["alembic", "upgrade", "head"], ...alone });
    expect(absent.code).toBe(1);
    expect(absent.stderr).toMatch(/"alembic"[\s\S]*\(alembic upgrade head\) cannot be started: see above/);
    const greedy = ["sh", "-c", "x=$(head -c 200000000 /dev/zero | tr '\\0' x)"];
    const killed = await host.step(bot, container, { command: greedy, ...alone });
    expect(killed.stderr).toContain("needs more memory than the bot's limit");
    expect(killed.code).toBe(1);
    expect(await host.left()).toEqual([]);
  });

  test("or is removed by hand says so", async () => {
    const bot = await newBot();
    const step = `${host.id}-step-${bot}`;
    const running = host.step(bot, await host.release(bot), {
      command: ["sleep", "600"],
      timeout: 600,
      ...alone,
    });
    await untilRunning(step);
    // As the one who waits for it is told to do.
    await docker(["rm", "--force", step]);
    const removed = await running;
    expect(removed.code).toBe(1);
    expect(removed.stderr).toContain("(sleep 600) was removed before it ended\n");
    expect(await host.left()).toEqual([]);
  });

  test("or does not end in time is killed, and Postgres goes on with nothing of it", async () => {
    const bot = await newBot();
    const command = ["psql", "-c", "SELECT pg_sleep(600)"];
    const late = await host.step(bot, await host.release(bot), {
      command,
      timeout: 2,
      ...alone,
      database: true,
    });
    expect(late.code).toBe(1);
    expect(late.stderr).toContain("did not end within 2 seconds and was killed");
    await until(async () => (await sessions(bot)) === "0");
    expect(await host.left()).toEqual([]);
  });
});

describe("a run that is killed", { timeout }, () => {
  test("while the command runs leaves nothing that runs on beside the next run's", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const hangs = { command: ["psql", "-c", "BEGIN; INSERT INTO item VALUES (5); SELECT pg_sleep(600)"] };
    const { kill } = host.begin(bot, container, hangs);
    await until(async () => (await sessions(bot)) === "1");
    await kill();
    expect(await host.left()).toHaveLength(1);
    const once = `SELECT count(*) FROM pg_stat_activity WHERE usename = '${bot}' AND pid <> pg_backend_pid()`;
    const next = await host.step(bot, container, { command: ["psql", "-Atc", once] });
    expect(next.stderr).toContain("stopping the command that an interrupted run left behind");
    expect(next.stderr).toMatch(/done in \d+ s: 0/);
    expect(await rows(bot)).toBe("3");
    expect(await host.left()).toEqual([]);
  });

  test("while the dump is tried leaves no dump, and the next run makes it", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const { kill } = host.begin(bot, container, { command: insert });
    await until(async () => (await host.left()).some((name) => name.includes("-check-")));
    await kill();
    expect(host.dumps(bot).filter((file) => !file.startsWith("."))).toEqual([]);
    expect(await rows(bot)).toBe("3");
    const next = await host.step(bot, container, { command: insert });
    expect(next, next.stderr).toMatchObject({ code: 0 });
    expect(host.dumps(bot)).toEqual(["before-release-1.dump", "before-release-1.dump.sha256"]);
    expect(await restoredRows(bot, "before-release-1.dump")).toBe("3");
    expect(await rows(bot)).toBe("4");
    expect(await host.left()).toEqual([]);
  });

  test("by a signal takes the command with it", async () => {
    const bot = await newBot();
    const container = await host.release(bot);
    const step = host.begin(bot, container, { command: ["sleep", "600"], ...alone });
    await until(async () => (await host.left()).length > 0);
    step.child.kill("SIGTERM");
    await step.ended;
    expect(await host.left()).toEqual([]);
  });
});

describe("the dumps of a bot", { timeout }, () => {
  test("are named by the next release, and those of five releases stay", async () => {
    const bot = await newBot();
    const folder = dirname(host.dumpFile(bot, "x"));
    mkdirSync(folder, { recursive: true });
    for (let number = 1; number <= 9; number += 1) {
      host.note(bot, number);
      for (const ending of [".dump", ".dump.sha256", "-retry.dump", "-retry.dump.sha256"]) {
        const file = host.dumpFile(bot, `before-release-${number}${ending}`);
        writeFileSync(file, "");
        utimesSync(file, 1e9 + number, 1e9 + number);
      }
    }
    writeFileSync(host.dumpFile(bot, "removed-20260101T000000Z.dump"), "");
    const ended = await host.step(bot, await host.release(bot), { command: ["true"] });
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    const kept = [6, 7, 8, 9].flatMap((number) => [`${number}-retry`, `${number}`]);
    expect(
      host
        .dumps(bot)
        .filter((file) => file.endsWith(".dump"))
        .toSorted(),
    ).toEqual(
      [...kept, "10"]
        .map((name) => `before-release-${name}.dump`)
        .concat("removed-20260101T000000Z.dump")
        .toSorted(),
    );
    expect(host.dumps(bot).filter((file) => file.endsWith(".sha256"))).toHaveLength(9);
    expect(statSync(host.dumpFile(bot, "before-release-10.dump")).mode & 0o777).toBe(0o600);
  });

  test("of a former bot of this name are kept under another name", async () => {
    const bot = await newBot();
    const former = host.dumpFile(bot, "before-release-1.dump");
    mkdirSync(dirname(former), { recursive: true });
    writeFileSync(former, "former");
    writeFileSync(`${former}.sha256`, "0123  before-release-1.dump\n");
    utimesSync(former, 1e9, 1e9);
    await host.step(bot, await host.release(bot), { command: ["true"] });
    const aside = host.dumpFile(bot, "before-release-1-20010909T014640Z.dump");
    expect(readFileSync(aside, "utf8")).toBe("former");
    expect(readFileSync(`${aside}.sha256`, "utf8")).toBe("0123  before-release-1-20010909T014640Z.dump\n");
    expect(await restoredRows(bot, "before-release-1.dump")).toBe("3");
  });
});

interface Inspected {
  readonly Image: string;
  readonly Config: { readonly Env: readonly string[]; readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly Aliases: readonly string[] | null }>>;
  };
}

async function inspect(container: string): Promise<Inspected> {
  const [found] = JSON.parse(await docker(["inspect", container])) as Inspected[];
  if (found === undefined) throw new Error(`no container ${container}`);
  return found;
}

/** The number of rows of `item` in a dump that is restored into a new database. */
async function restoredRows(bot: string, name: string): Promise<string> {
  const database = `restored-${bot}`;
  await host.sql("postgres", `DROP DATABASE IF EXISTS "${database}"`);
  await host.sql("postgres", `CREATE DATABASE "${database}"`);
  const restore = `docker exec -i -u postgres ${host.id} pg_restore -d ${database} < '${host.dumpFile(bot, name)}'`;
  expect(await runProgram("sh", ["-c", restore])).toMatchObject({ code: 0, stderr: "" });
  return host.sql(database, "SELECT count(*) FROM item");
}
