/** dump.sh with a real Docker engine and a real Postgres. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
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

/** A new bot, with its database filled by its own role. */
async function newBot(fill: string): Promise<string> {
  bots += 1;
  const bot = `bot-${bots}`;
  await host.addBot(bot);
  await host.sql(bot, `SET ROLE "${bot}"; ALTER DATABASE "${bot}" SET statement_timeout = '1s';\n${fill}`);
  return bot;
}

const timeout = 300_000;

test("a dump is restorable, complete and for root alone, with its checksum", { timeout }, async () => {
  const bot = await newBot(`
    CREATE SCHEMA other;
    CREATE TABLE other."odd | name" ();
    CREATE TABLE item (id int PRIMARY KEY, whole text, item jsonb, at timestamptz DEFAULT now(), raw bytea, much float8[]);
    INSERT INTO item VALUES (2);
    INSERT INTO item VALUES (1, E'a\\n|b', '{"a": [null]}', DEFAULT, '\\x00ff', '{0.1, 2.3e-300}');
    CREATE TABLE part (id int) PARTITION BY RANGE (id);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
    INSERT INTO part VALUES (3);
    CREATE MATERIALIZED VIEW seen AS SELECT now();
    ALTER TABLE item ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON item TO CURRENT_USER USING (false);
    CREATE EXTENSION pgcrypto;
    SELECT lo_from_bytea(0, 'large');`);
  const ended = await host.dump(bot, "removed-1");
  expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: `${host.dumpFile(bot, "removed-1.dump")}\n` });
  expect(host.dumps(bot)).toEqual(["removed-1.dump", "removed-1.dump.sha256"]);
  for (const file of host.dumps(bot))
    expect(statSync(host.dumpFile(bot, file)).mode & 0o777, file).toBe(0o600);
  const folder = dirname(host.dumpFile(bot, "removed-1.dump"));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const checked = await runProgram("sh", ["-c", `cd '${folder}' && sha256sum -c removed-1.dump.sha256`]);
  expect(checked.stdout).toBe("removed-1.dump: OK\n");
  expect(await host.left()).toEqual([]);
});

test("a bot that writes all the while does not disturb it", { timeout }, async () => {
  const bot = await newBot(
    "CREATE TABLE item AS SELECT generate_series(1, 1000) AS id; CREATE TABLE written (id serial)",
  );
  let goOn = true;
  // The database's own limit of a second is for the dump: a busy machine may need longer for a row.
  const patient = (text: string) => host.sql(bot, `SET statement_timeout = 0; ${text}`);
  const writer = (async () => {
    while (goOn) await patient("INSERT INTO written DEFAULT VALUES; DELETE FROM item WHERE id % 7 = 3");
  })();
  const written = () => patient("SELECT count(*) FROM written");
  while ((await written()) === "0") await delay(20);
  const before = await written();
  const ended = await host.dump(bot, "live");
  const after = await written();
  goOn = false;
  await writer;
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(Number(after)).toBeGreaterThan(Number(before));
});

test("rows that change when they are restored are found, and there is no dump", { timeout }, async () => {
  const bot = await newBot(`
    CREATE FUNCTION moment(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT clock_timestamp()::text';
    CREATE TABLE item (id int, made text GENERATED ALWAYS AS (public.moment(id)) STORED);
    INSERT INTO item VALUES (1);`);
  const ended = await host.dump(bot, "false");
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(
    /< public.item\|1\|.*\n---\n> public.item\|1\|.*\nbotgarden: the dump of .* restores to other rows/,
  );
  expect(host.dumps(bot)).toEqual([]);
  expect(await host.left()).toEqual([]);
});

test("a dump that cannot be restored is told with the reason, and the one before stays", {
  timeout,
}, async () => {
  const bot = await newBot("CREATE TABLE item (id int)");
  await host.dump(bot, "kept");
  const before = readFileSync(host.dumpFile(bot, "kept.dump"));
  await host.sql(
    bot,
    `CREATE TABLE zone (id int); INSERT INTO zone VALUES (1);
     CREATE FUNCTION known(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.zone WHERE id = $1)';
     ALTER TABLE item ADD CHECK (known(id)); INSERT INTO item VALUES (1)`,
  );
  const ended = await host.dump(bot, "kept");
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(/violates check constraint[\s\S]*cannot be restored: see above/);
  expect(host.dumps(bot)).toEqual(["kept.dump", "kept.dump.sha256"]);
  expect(readFileSync(host.dumpFile(bot, "kept.dump"))).toEqual(before);
});

test("what a bot's database runs while it is restored reaches nothing of the garden's", {
  timeout,
}, async () => {
  const bot = await newBot(`
    CREATE FUNCTION trap(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
      IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        COPY (SELECT 1) TO PROGRAM 'touch /tmp/trapped; cat > /var/run/postgresql/trapped';
        RAISE EXCEPTION 'the trap went off';
      END IF;
      RETURN true;
    END $$;
    CREATE TABLE item (id int CHECK (trap(id)));
    INSERT INTO item VALUES (1);`);
  const ended = await host.dump(bot, "trap");
  expect(ended.stderr).toContain("the trap went off");
  const looked = await runProgram("docker", ["exec", host.id, "sh", "-c", "ls /tmp /var/run/postgresql"]);
  expect(looked.stdout).not.toContain("trapped");
});

test("a host without room for it is told before anything is written", { timeout }, async () => {
  const bot = await newBot("CREATE TABLE item (id int)");
  writeFileSync(join(root, "path/df"), "#!/bin/sh\necho Avail\necho 12345678\n", { mode: 0o755 });
  const full = await host.dump(bot, "full", { PATH: `${join(root, "path")}:${process.env.PATH ?? ""}` });
  expect(full.code).toBe(1);
  expect(full.stderr).toMatch(
    /disk is too full: database bot-\d+ has \d+ MB, .* 13 MB are left\. Nothing was changed/,
  );
  expect(host.dumps(bot)).toEqual([]);
});

test("no database, no server and no name are told", { timeout }, async () => {
  const absent = await host.dump("absent", "now");
  expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no database absent") });
  const unnamed = await host.dump("bot-1", "../x");
  expect(unnamed).toMatchObject({ code: 1, stderr: "botgarden: usage: postgres-dump BOT NAME\n" });
});
