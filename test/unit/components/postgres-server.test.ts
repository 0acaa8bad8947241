/** What the garden gives to PostgreSQL, given to a real server. */
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scramVerifier } from "../../../components/postgres/scram.ts";
import { stackValues } from "../support/bots.ts";
import { recordGarden } from "../support/garden.ts";
import { type Ended, runProgram, unprivileged } from "../support/processes.ts";
import { findPostgres, openToAll, type Program } from "../support/programs.ts";
import { COMMAND, CONTAINER, find, plain } from "../support/recorder.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const folder = sharedFolder();
const data = join(folder, "data");
let server: Program;

beforeAll(async () => {
  if (unprivileged !== undefined) chownSync(folder, unprivileged, unprivileged);
  const root = join(folder, "program");
  mkdirSync(root);
  server = await openToAll(await findPostgres(), root);
  expect(
    await tool("initdb", ["-D", data, "-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]),
  ).toMatchObject({ code: 0 });
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=unit", "-days", "2"];
  const files = ["-keyout", join(data, "server.key"), "-out", join(data, "server.crt")];
  const certificate = await runProgram("openssl", [...request, ...files], { uid: unprivileged });
  expect(certificate, certificate.stderr).toMatchObject({ code: 0 });
  writeFileSync(join(data, "pg_hba.conf"), "local all admin trust\nlocal sameuser all scram-sha-256\n");
  const options = `-c ssl=on -c listen_addresses= -c unix_socket_directories=${folder} -c fsync=off -c log_statement=all -c logging_collector=off`;
  const started = await tool("pg_ctl", [
    "-D",
    data,
    "-w",
    "-s",
    "-l",
    join(folder, "log"),
    "-o",
    options,
    "start",
  ]);
  expect(started, started.stderr).toMatchObject({ code: 0 });
  // The first time it may have to download.
}, 180_000);

afterAll(() => tool("pg_ctl", ["-D", data, "-s", "-m", "immediate", "stop"]));

/** One of PostgreSQL's programs, as a user that it accepts. */
function tool(
  name: string,
  args: readonly string[],
  input = "",
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const path = join(dirname(server.path), name);
  return runProgram(path, args, { input, uid: unprivileged, env: { ...server.env, ...env, PGHOST: folder } });
}

function psql(user: string, database: string, sql: string, password = ""): Promise<Ended> {
  const args = ["-qXAtw", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database];
  return tool("psql", args, sql, { PGPASSWORD: password });
}

/** As database.sh gives it to psql. */
function ensure(role: string, password: string): Promise<Ended> {
  const file = fileURLToPath(new URL("../../../components/postgres/database.sql", import.meta.url));
  const values = {
    role,
    verifier: scramVerifier(role, password),
    connection_limit: "5",
    statement_timeout: "30000",
    idle_timeout: "60000",
  };
  const lines = Object.entries(values).map(([key, value]) => `\\set ${key} '${value}'\n`);
  return psql("admin", "postgres", lines.join("") + readFileSync(file, "utf8"));
}

test("the server takes the verifier as it is, and lets in who knows the password and nobody else", async () => {
  const passwords = ["simple", "0aZ".repeat(10), "with 'quotes' and $signs"];
  for (const [index, password] of passwords.entries()) {
    const role = `bot-${index}`;
    expect(await ensure(role, password)).toEqual({ code: 0, stdout: "", stderr: "" });
    const kept = await psql(
      "admin",
      "postgres",
      `SELECT rolpassword FROM pg_authid WHERE rolname = '${role}'`,
    );
    expect(kept.stdout.trim()).toBe(scramVerifier(role, password));
    const login = await psql(role, role, "SELECT current_user || ' in ' || current_database()", password);
    expect(login).toMatchObject({ code: 0, stdout: `${role} in ${role}\n` });
    const wrong = await psql(role, role, "SELECT 1", `${password}x`);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toContain("password authentication failed");
  }
});

test("a new password takes the place of the old one, and the data stays", async () => {
  await ensure("hello", "first");
  await psql("hello", "hello", "CREATE TABLE kept AS SELECT 42 AS answer", "first");
  await ensure("hello", "second");
  expect((await psql("hello", "hello", "SELECT answer FROM kept", "second")).stdout).toBe("42\n");
  expect((await psql("hello", "hello", "SELECT 1", "first")).code).not.toBe(0);
});

test("a bot has its limits, and may do nothing but work in its own database", async () => {
  await ensure("hello", "first");
  await ensure("other", "second");
  const roles =
    "SELECT rolconnlimit, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = 'hello'";
  expect((await psql("admin", "postgres", roles)).stdout.trim()).toBe("5|f|f|f|f|f");
  const settings = "SHOW statement_timeout; SHOW idle_in_transaction_session_timeout";
  expect((await psql("hello", "hello", settings, "first")).stdout).toBe("30s\n1min\n");
  const grants = "SELECT has_database_privilege('hello', 'other', 'CONNECT')";
  expect((await psql("admin", "postgres", grants)).stdout.trim()).toBe("f");
});

test("the server never sees a password: its log has the verifier at most", async () => {
  await ensure("silent", "canary-password-yraNaC");
  const log = readFileSync(join(folder, "log"), "utf8");
  expect(log).toContain("SCRAM-SHA-256$4096:");
  expect(log).not.toContain("canary-password");
});

test("the server understands every option that the garden starts it with", async () => {
  const { resources } = await recordGarden({
    values: { ...stackValues, postgres: '{"maxConnections":77,"sharedBuffers":"64 MB"}' },
  });
  const [, ...options] = plain(find(resources, CONTAINER, "postgres").inputs.command) as string[];
  for (const [parameter, value] of [
    ["max_connections", "77"],
    ["shared_buffers", "64MB"],
    ["ssl", "on"],
    ["password_encryption", "scram-sha-256"],
  ] as const) {
    // `-C` must come first, and prints what the server would take; unknown parameters end it.
    const asked = await tool("postgres", ["-C", parameter, "-D", data, ...options]);
    if (parameter === "shared_buffers") expect(asked, asked.stderr).toMatchObject({ code: 0 });
    else expect(asked, asked.stderr).toMatchObject({ code: 0, stdout: `${value}\n` });
  }
});

test("the server understands the garden's access rules, and bots get in over TLS alone", async () => {
  const { resources } = await recordGarden();
  const input = JSON.parse(
    String(plain(find(resources, COMMAND, "postgres-configuration").inputs.stdin)),
  ) as { hba: string };
  expect(input.hba).not.toMatch(/\{\{|\}\}/);
  writeFileSync(join(data, "garden_hba.conf"), input.hba);
  const own = join(data, "pg_hba.conf");
  const before = readFileSync(own, "utf8");
  // The view reads the file anew; the server itself goes on with what it has.
  writeFileSync(own, input.hba);
  const rules = await psql(
    "admin",
    "postgres",
    "SELECT type, database, user_name, host(address::inet), auth_method, error FROM pg_hba_file_rules WHERE address IS NULL OR address <> 'all' ORDER BY line_number",
  );
  writeFileSync(own, before);
  const lines = rules.stdout.trim().split("\n");
  expect(lines, rules.stderr).toEqual([
    "local|{all}|{postgres}||peer|",
    "hostssl|{all}|{postgres}|127.0.0.1|scram-sha-256|",
    "hostssl|{all}|{postgres}|10.213.0.1|scram-sha-256|",
    "hostssl|{sameuser}|{all}|10.213.0.0|scram-sha-256|",
  ]);
});
