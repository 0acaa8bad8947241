import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker, dockerLines, ProgramError, run, sandboxLabel } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { buildName, ensureImages } from "../../../sandbox/images/ensure.ts";
import { findRecipe } from "../../../sandbox/images/images.ts";

const log = (): void => undefined;
const label = sandboxLabel(`t${randomBytes(4).toString("hex")}`);
const patience = 900_000;
const names = new Map<string, string>();
const wanted = ["nginx:1.30.4", "postgres:18", "redis:8", "certbot/certbot:v5.5.0", "python:3.13-slim"];

beforeAll(async () => {
  // These tests are about the images of the sandbox, also where Docker Hub answers.
  process.env.BOTGARDEN_IMAGES = "debian";
  await ensureDocker({ log });
  await ensureImages(wanted, { log });
  for (const reference of wanted) names.set(reference, await buildName(findRecipe(reference).recipe, log));
}, patience);

afterAll(async () => {
  const left = await dockerLines(["ps", "--all", "--quiet", "--filter", `label=${label}`]);
  if (left.length > 0) await docker(["rm", "--force", "--volumes", ...left]);
});

const image = (reference: string): string => names.get(reference) ?? reference;

/** Starts a container in the background and gives its id. */
function start(
  reference: string,
  options: readonly string[] = [],
  command: readonly string[] = [],
): Promise<string> {
  return docker(["run", "--detach", "--label", label, ...options, image(reference), ...command]);
}

/** Runs a container to its end: its code and all that it said. */
async function once(
  reference: string,
  options: readonly string[] = [],
  command: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  try {
    const args = ["run", "--rm", "--label", label, ...options, image(reference), ...command];
    return { code: 0, output: await docker(args) };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return { code: error.code, output: error.output };
  }
}

/** Both streams of a container's log. */
async function logs(id: string): Promise<string> {
  return run("sh", ["-c", 'docker logs "$1" 2>&1', "sh", id]);
}

/** Waits (a minute at most) until a command in a running container succeeds; gives what it printed. */
async function until(id: string, command: readonly string[]): Promise<string> {
  const end = Date.now() + 60_000;
  for (;;) {
    try {
      return await docker(["exec", id, ...command]);
    } catch (error) {
      const running = await docker(["inspect", "--format", "{{.State.Running}}", id]);
      if (running !== "true" || Date.now() > end)
        throw new Error(`no success:\n${await logs(id)}`, { cause: error });
      await delay(100);
    }
  }
}

const sql = (query: string, user = "postgres", database = "postgres"): string[] => [
  ...[
    "psql",
    "--host",
    "127.0.0.1",
    "--username",
    user,
    "--no-align",
    "--tuples-only",
    "--command",
    query,
    database,
  ],
];

/** Files for a bind mount; those that end in "!" may be run. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "image-"));
  chmodSync(folder, 0o755);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name.replace("!", ""));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: name.endsWith("!") ? 0o755 : 0o644 });
  }
  folders.push(folder);
  return folder;
}
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What of an image's settings a stack can see. */
async function settings(reference: string): Promise<Record<string, unknown>> {
  const text = await docker(["image", "inspect", "--format", "{{json .Config}}", image(reference)]);
  const all = JSON.parse(text) as Record<string, unknown>;
  const seen = ["Entrypoint", "Cmd", "ExposedPorts", "Volumes", "StopSignal", "WorkingDir", "User"];
  // Engines differ in how they write what is not set.
  return Object.fromEntries(seen.map((name) => [name, all[name]]).filter(([, value]) => Boolean(value)));
}

describe("postgres", () => {
  test("has the original's settings", async () => {
    expect(await settings("postgres:18")).toEqual({
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["postgres"],
      ExposedPorts: { "5432/tcp": {} },
      Volumes: { "/var/lib/postgresql": {} },
      StopSignal: "SIGINT",
    });
    const { output } = await once(
      "postgres:18",
      [],
      ["sh", "-c", 'id -u postgres; id -g postgres; echo "$PGDATA"; postgres --version'],
    );
    expect(output).toMatch(/^999\n999\n\/var\/lib\/postgresql\/18\/docker\npostgres \(PostgreSQL\) 18\./);
  });

  test("does not start without a password", async () => {
    const { code, output } = await once("postgres:18");
    expect(code).toBe(1);
    expect(output).toContain("superuser password is not specified");
  });

  test("refuses a password that is given twice, and an old volume", async () => {
    const twice = await once("postgres:18", [
      "--env",
      "POSTGRES_PASSWORD=a",
      "--env",
      "POSTGRES_PASSWORD_FILE=/b",
    ]);
    expect(twice.output).toContain("both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set");
    const old = await once("postgres:18", [
      "--env",
      "POSTGRES_PASSWORD=a",
      "--tmpfs",
      "/var/lib/postgresql/data",
    ]);
    expect([old.code, old.output]).toEqual([
      1,
      expect.stringContaining("unused mount at /var/lib/postgresql/data"),
    ]);
  });

  test("makes user, database and tables once, from files and secrets, and keeps them over a restart", async () => {
    const init = folderWith({
      "1.sql": "CREATE TABLE seen (name text); INSERT INTO seen VALUES ('sql');",
      "2.sh!":
        '#!/bin/sh\npsql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "INSERT INTO seen VALUES (\'run\')"\n',
      "3.sh": "docker_process_sql -c \"INSERT INTO seen VALUES ('sourced')\"\n",
      "4.txt": "ignored",
    });
    const secret = folderWith({ password: "p'ass \"word\n" });
    const id = await start(
      "postgres:18",
      [
        ...["--volume", `${init}:/docker-entrypoint-initdb.d:ro`, "--volume", `${secret}:/run/secret:ro`],
        ...["--env", "POSTGRES_PASSWORD_FILE=/run/secret/password", "--env", "POSTGRES_USER=gardener"],
        ...[
          "--env",
          "POSTGRES_DB=flower beds",
          "--env",
          "POSTGRES_INITDB_ARGS=--locale=C --auth-host=reject",
        ],
      ],
      ["-c", "max_connections=17"],
    );
    const query = sql(
      "SELECT string_agg(name, ' ') FROM seen; SHOW max_connections; SHOW lc_messages",
      "gardener",
      "flower beds",
    );
    // The loopback line of initdb's own file is the one that --auth-host changed; the socket is open.
    const local = query.filter((part) => part !== "--host" && part !== "127.0.0.1");
    const ready = "PostgreSQL init process complete; ready for start up.";
    await until(id, [
      "sh",
      "-c",
      "test -S /var/run/postgresql/.s.PGSQL.5432 && tr '\\0' ' ' </proc/1/cmdline | grep -q '^postgres'",
    ]);
    expect(await until(id, local)).toBe("sql run sourced\n17\nC");
    expect(await logs(id)).toContain(ready);
    const byAddress = `PGPASSWORD="$(cat /run/secret/password)" psql -h "$(hostname -i)" -U gardener -d 'flower beds' -Atc 'SELECT 1'`;
    expect(await docker(["exec", id, "sh", "-c", byAddress])).toBe("1");
    await docker(["restart", id]);
    expect(await until(id, local)).toBe("sql run sourced\n17\nC");
    expect(await logs(id)).toContain("Skipping initialization");
    const wrong = byAddress.replace(/"\$\(cat [^"]*"/, "wrong");
    await expect(docker(["exec", id, "sh", "-c", wrong])).rejects.toThrow(/password authentication failed/);
    await docker(["stop", id]);
    expect(await docker(["inspect", "--format", "{{.State.ExitCode}}", id])).toBe("0");
  }, 120_000);

  test("a broken init file ends the start", async () => {
    const init = folderWith({ "1.sql": "SELEKT 1;" });
    const { code, output } = await once("postgres:18", [
      ...["--env", "POSTGRES_PASSWORD=a", "--volume", `${init}:/docker-entrypoint-initdb.d:ro`],
    ]);
    expect([code, output]).toEqual([3, expect.stringContaining('syntax error at or near "SELEKT"')]);
  }, 120_000);

  test("runs as any user", async () => {
    const id = await start("postgres:18", [
      ...["--user", "1234:1234", "--env", "POSTGRES_HOST_AUTH_METHOD=trust"],
      ...["--tmpfs", "/var/lib/postgresql:mode=1777", "--tmpfs", "/var/run/postgresql:mode=1777"],
    ]);
    expect(await until(id, sql("SELECT current_user"))).toBe("postgres");
  }, 120_000);
});

describe("nginx", () => {
  test("has the original's settings and places", async () => {
    expect(await settings("nginx:1.30.4")).toEqual({
      Entrypoint: ["/docker-entrypoint.sh"],
      Cmd: ["nginx", "-g", "daemon off;"],
      ExposedPorts: { "80/tcp": {} },
      StopSignal: "SIGQUIT",
    });
    const script =
      "id -u nginx; id -g nginx; readlink /var/log/nginx/access.log /var/log/nginx/error.log; nginx -v";
    const { output } = await once(
      "nginx:1.30.4",
      ["--env", "NGINX_ENTRYPOINT_QUIET_LOGS=1"],
      ["sh", "-c", `${script} 2>&1`],
    );
    expect(output).toMatch(/^101\n101\n\/dev\/stdout\n\/dev\/stderr\nnginx version: nginx\/1\.30\./);
  });

  test("fills templates in with variables that exist, and leaves nginx's own", async () => {
    const templates = folderWith({
      "site.conf.template": 'server { listen 8080; location / { return 200 "$request_method $GREETING"; } }',
    });
    const id = await start("nginx:1.30.4", [
      ...["--env", "GREETING=hello", "--volume", `${templates}:/etc/nginx/templates:ro`],
    ]);
    const get = ["curl", "--silent", "--fail", "http://127.0.0.1:8080/"];
    expect(await until(id, get)).toBe("GET hello");
    // nginx writes the line after the answer.
    await expect.poll(() => logs(id), { timeout: 60_000 }).toMatch(/"GET \/ HTTP\/1\.1" 200/);
    await docker(["stop", id]);
    expect(await docker(["inspect", "--format", "{{.State.ExitCode}}", id])).toBe("0");
  });

  test("runs scripts of /docker-entrypoint.d, reads *.envsh in, and takes bodies in a read-only container", async () => {
    const scripts = folderWith({
      "40-set.envsh!": "export NAME=garden\n",
      "50-use.sh!":
        '#!/bin/sh\necho "server { listen 8080; location / { return 200 $NAME; } }" >/etc/nginx/conf.d/x.conf\n',
      "60-off.sh": "exit 1\n",
    });
    const id = await start("nginx:1.30.4", [
      ...["--read-only", "--tmpfs", "/run", "--tmpfs", "/var/cache/nginx", "--tmpfs", "/etc/nginx/conf.d"],
      ...["--volume", `${scripts}:/docker-entrypoint.d:ro`],
    ]);
    expect(await until(id, ["curl", "--silent", "--fail", "http://127.0.0.1:8080/"])).toBe("garden");
    expect(await logs(id)).toContain("Ignoring /docker-entrypoint.d/60-off.sh, not executable");
  });
});

describe("redis", () => {
  test("takes options, steps down, answers other containers, and saves at its stop", async () => {
    const id = await start("redis:8", [], ["--maxmemory", "64mb"]);
    const address = await docker(["inspect", "--format", "{{.NetworkSettings.IPAddress}}", id]);
    await until(id, ["redis-cli", "ping"]);
    const { output } = await once("redis:8", [], ["redis-cli", "-h", address, "set", "a", "b"]);
    expect(output).toBe("OK");
    expect(await docker(["exec", id, "redis-cli", "config", "get", "maxmemory"])).toBe("maxmemory\n67108864");
    expect(await docker(["exec", id, "sh", "-c", "awk '/^Uid/ { print $2 }' /proc/1/status"])).toBe("999");
    await docker(["stop", id]);
    await docker(["start", id]);
    expect(await until(id, ["redis-cli", "get", "a"])).toBe("b");
  });
});

test("certbot is the entry point", async () => {
  expect(await settings("certbot/certbot:v5.5.0")).toMatchObject({
    Entrypoint: ["certbot"],
    WorkingDir: "/opt/certbot",
  });
  expect((await once("certbot/certbot:v5.5.0", [], ["--version"])).output).toMatch(/^certbot 5\./);
});

describe("python", () => {
  test("is laid out as the original is", async () => {
    const script =
      "import sys, sysconfig; print(sys.prefix, sysconfig.get_path('purelib'), sys.version_info[:2])";
    const { output } = await once("python:3.13-slim", [], ["python", "-c", script]);
    expect(output).toBe("/usr/local /usr/local/lib/python3.13/site-packages (3, 13)");
    expect(await settings("python:3.13-slim")).toEqual({ Cmd: ["python3"] });
  });

  test("pip installs for all, for a user, and into a prefix", async () => {
    const script = [
      "pip install -q --root-user-action ignore --prefix /install colorama",
      "pip install -q --root-user-action ignore colorama",
      "pip install -q --root-user-action ignore --user six",
      "python -m venv /venv && /venv/bin/pip install -q colorama",
      "ls -d /usr/local/lib/python3.13/site-packages/colorama /install/lib/python3.13/site-packages/colorama",
      "ls -d /root/.local/lib/python3.13/site-packages/six.py /venv/lib/python3.13/site-packages/colorama",
    ].join(" && ");
    const { code, output } = await once("python:3.13-slim", [], ["sh", "-c", script]);
    expect([code, output.split("\n").length]).toEqual([0, 4]);
  }, 600_000);
});
