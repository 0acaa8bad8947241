import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { gardenPsql, type RecorderOptions } from "../../../../sandbox/bench/releases/recorder.ts";
import { eventually } from "../../support/eventually.ts";
import { beginUp, unlockStack } from "../../support/killed-engine.ts";
import { counts, recordedLoad } from "../../support/recorded-load.ts";
import { ReleasesGarden } from "../../support/releases.ts";

const RATE = 30;
const bot = "released";
const dumps = `/var/lib/botgarden/dumps/${bot}`;

describe("what runs before a release", () => {
  let garden: ReleasesGarden;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
  });
  afterEach(() => garden.onHost(`mountpoint -q ${dumps} && umount ${dumps} || true`));
  afterAll(() => garden.planted());

  const sql = async (text: string, database = bot) =>
    (await garden.onHost(`${gardenPsql(database)} -qXAtv ON_ERROR_STOP=1`, text)).trim();
  const migrations = (release: string, database = bot) =>
    sql(`SELECT count(*) FROM migration WHERE release = '${release}'`, database);
  const oneoffs = async () =>
    (await garden.onHost(`docker ps --all --quiet --filter label=botgarden.oneoff=${bot}`)).trim();

  /** How many runs of the gate there are: one works, the others wait for its end. */
  const waitingGates = async () =>
    (await garden.onHost("pgrep -cf '^/bin/bash /opt/botgarden/.*/bot-release switch' || true")).trim();

  async function plant(release: string, outcome: string, more: RecorderOptions = {}): Promise<void> {
    const beforeDeploy = '{ command: ["python", "-m", "recorder.migrate"], timeout: "10 minutes" }';
    await garden.plant(bot, {
      release,
      environment: { MIGRATION: outcome },
      settings: { beforeDeploy },
      ...more,
    });
  }

  /** The number that the next good release gets. */
  async function nextNumber(): Promise<number> {
    const files = await garden.onHost(`cd /var/lib/botgarden/releases/${bot} && ls`);
    const numbers = files.split("\n").flatMap((file) => /^(\d+)\.json$/.exec(file)?.slice(1) ?? []);
    return Math.max(0, ...numbers.map(Number)) + 1;
  }

  /** Restores a dump, as an operator would, into another database; gives the database's name. */
  async function restored(name: string): Promise<string> {
    const postgres = "docker exec -i -u postgres botgarden-postgres";
    await garden.onHost(`set -e; cd ${dumps}; sha256sum -c ${name}.dump.sha256
      ${postgres} dropdb --if-exists restored </dev/null; ${postgres} createdb restored </dev/null
      ${postgres} pg_restore --exit-on-error -d restored < ${name}.dump`);
    return "restored";
  }

  test("runs once, after a dump that can be restored, and no update is lost", async () => {
    const name = `migrated-${Date.now()}`;
    const dump = `before-release-${await nextNumber()}`;
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      await plant(name, "ok");
      const { output } = await load.during("the release", () => garden.up());
      expect(output).toContain(`dump restored and compared: ${dumps}/${dump}.dump`);
      expect(output).toMatch(/done in \d+ s: migrated/);
      await garden.up();
      await load.flow(30);
    });
    expect(await migrations(name)).toBe("1");
    await garden.expectInOrder(name);
    const database = await restored(dump);
    expect(await migrations(name, database)).toBe("0");
    expect(Number(await sql("SELECT count(*) FROM record", database))).toBeGreaterThan(0);
    const modes = await garden.onHost(`stat -c %a ${dumps} ${dumps}/${dump}.dump`);
    expect(modes.trim().split("\n")).toEqual(["700", "600"]);
    console.log(`a release with a migration:\n${counts(outcomes)}`);
  });

  test("fails as often as it likes: what serves goes on, and the dump of before the first try stays", async () => {
    const serving = await garden.serving(bot);
    const dump = `before-release-${await nextNumber()}`;
    const name = `unmigrated-${Date.now()}`;
    await plant(name, "fails");
    for (const tries of [1, 2, 3]) {
      const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
      expect(code, output).not.toBe(0);
      expect(output).toMatch(/the command of bot released before its release .* failed: exit code 1/);
      expect(output).toContain("this migration fails");
      expect(await migrations(name)).toBe(String(tries));
    }
    expect(await garden.serving(bot)).toEqual(serving);
    expect(await migrations(name, await restored(dump))).toBe("0");
    expect(await migrations(name, await restored(`${dump}-retry`))).toBe("2");
    await plant(`${name}-corrected`, "ok");
    await garden.up();
    await garden.expectInOrder(`${name}-corrected`);
  });

  test("is killed when it does not end in time, and Postgres goes on with nothing of it", async () => {
    const serving = await garden.serving(bot);
    const command = `["python", "-c", "import os, asyncio, asyncpg; e = os.environ; asyncio.run(asyncpg.connect(host=e['POSTGRES_HOST'], user=e['POSTGRES_USER'], password=e['POSTGRES_PASSWORD'], database=e['POSTGRES_DB'])); import time; time.sleep(600)"]`;
    const beforeDeploy = `{ command: ${command}, timeout: "3 seconds" }`;
    await garden.plant(bot, { release: `late-${Date.now()}`, settings: { beforeDeploy } });
    const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(code, output).not.toBe(0);
    expect(output).toContain("did not end within 3 seconds and was killed");
    expect(await oneoffs()).toBe("");
    expect(await garden.serving(bot)).toEqual(serving);
  });

  test("the gate on the host is killed in the middle: the next run's migration is alone", async () => {
    const name = `interrupted-${Date.now()}`;
    await plant(name, "hangs");
    const { run } = beginUp(garden);
    await eventually(async () => expect(await migrations(name)).toBe("1"));
    await garden.onHost("kill -9 $(pgrep -f '^/bin/bash /opt/botgarden/.*/bot-')");
    expect((await run).code).not.toBe(0);
    expect(await oneoffs()).not.toBe("");
    await plant(`${name}-again`, "ok");
    await garden.up();
    expect(await migrations(`${name}-again`)).toBe("1");
    expect(await migrations(name)).toBe("1");
    expect(await oneoffs()).toBe("");
    await garden.expectInOrder(`${name}-again`);
  });

  test("the engine is killed in the middle: the migration ends as it should, and the next run waits for it", async () => {
    const name = `lost-${Date.now()}`;
    await plant(name, "waits");
    const { engine, run } = beginUp(garden);
    await eventually(async () => expect(await migrations(name)).toBe("1"));
    process.kill(-(engine.pid ?? 0), "SIGKILL");
    expect((await run).code).not.toBe(0);
    await unlockStack(garden);
    await plant(`${name}-again`, "ok");
    const next = beginUp(garden);
    await eventually(async () => expect(await waitingGates()).toBe("2"));
    expect(await migrations(`${name}-again`)).toBe("0");
    await sql("CREATE TABLE go_on (); GRANT SELECT ON go_on TO PUBLIC");
    const { code, output } = await next.run;
    expect(code, output).toBe(0);
    expect(output).toContain(
      `bot ${bot}: the command before its release is under way still, of a run that was lost; it is not stopped`,
    );
    expect(output).toContain("another release is under way; waiting for its end");
    expect(await migrations(name)).toBe("1");
    expect(await migrations(`${name}-again`)).toBe("1");
    expect(await oneoffs()).toBe("");
    await garden.expectInOrder(`${name}-again`);
    await sql("DROP TABLE go_on");
  });

  test("a disk without room for the dump stops the release, and leaves no half dump", async () => {
    const serving = await garden.serving(bot);
    // As much as does not shrink, and a disk on which there seems to be room for it.
    await sql(`CREATE TABLE noise AS SELECT string_agg(uuid_send(gen_random_uuid()), '') AS noise
                 FROM generate_series(1, 1200000) AS n GROUP BY n % 60`);
    const size = Number(await sql("SELECT pg_database_size(current_database())"));
    await garden.onHost(
      `mkdir -p ${dumps} && mount -t tmpfs -o size=${Math.round(size * 0.51)} tmpfs ${dumps}`,
    );
    const name = `full-${Date.now()}`;
    await plant(name, "ok");
    const full = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(full.code, full.output).not.toBe(0);
    expect(full.output).toMatch(/no space left on device/i);
    expect(full.output).toMatch(/database released could not be dumped: see above \(\d+ MB are left/);
    expect(await garden.onHost(`ls -A ${dumps}`)).toBe("");
    await garden.onHost(`umount ${dumps} && mount -t tmpfs -o size=1m tmpfs ${dumps}`);
    const told = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(told.output).toMatch(/the host's disk is too full: database released has \d+ MB/);
    expect(await migrations(name)).toBe("0");
    expect(await garden.serving(bot)).toEqual(serving);
    await garden.onHost(`umount ${dumps}`);
    await sql("DROP TABLE noise");
    await garden.up();
    await garden.expectInOrder(name);
  });
});
