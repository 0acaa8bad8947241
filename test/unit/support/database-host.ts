/**
 * A host's Postgres on this machine: the scripts that make and dump a database and run the step before a release, with their
 * folders and names moved, a real server, and the container of a new release that is not started. The bot's image is
 * Postgres's own, so that its commands can be SQL.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { docker, dockerLines } from "../../../sandbox/engine/docker.ts";
import { imageInEngine } from "./images.ts";
import { type Ended, runProgram } from "./processes.ts";

const reference = "postgres:18.6";

/** What bot-before-deploy reads. */
export interface Step {
  readonly command: readonly string[];
  readonly timeout?: number;
  readonly database?: boolean;
}

/** A step under way. */
export interface Begun {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  /** Kills it with all that it started on this machine. */
  readonly kill: () => Promise<void>;
}

export class DatabaseHost {
  readonly root: string;
  /** The name of Postgres's container, and the ending of every other name. */
  readonly id = `unit${randomBytes(4).toString("hex")}`;
  private readonly image: string;

  private constructor(root: string, image: string) {
    this.root = root;
    this.image = image;
    for (const folder of ["bin", "lock", "var", "path"]) mkdirSync(join(root, folder));
    for (const [name, file] of [
      ["bot-before-deploy", "bot/before-deploy.sh"],
      ["postgres-dump", "postgres/dump.sh"],
      ["postgres-database", "postgres/database.sh"],
      ["postgres-database.sql", "postgres/database.sql"],
      ["postgres-password", "postgres/password.sh"],
    ] as const) {
      const source = fileURLToPath(new URL(`../../../components/${file}`, import.meta.url));
      const text = readFileSync(source, "utf8")
        .replaceAll("/run/lock/", `${join(root, "lock")}/`)
        .replaceAll("/var/lib/botgarden/", `${join(root, "var")}/`)
        .replaceAll("botgarden-postgres", this.id)
        .replaceAll("botgarden-check-", `${this.id}-check-`)
        .replaceAll("botgarden-before-deploy-", `${this.id}-step-`)
        .replaceAll("label=botgarden.oneoff=", `label=botgarden.unit=${this.id}-`);
      writeFileSync(join(root, "bin", name), text.replaceAll('"botgarden.oneoff": $bot', this.labels), {
        mode: 0o755,
      });
    }
  }

  private get labels(): string {
    return `"botgarden.unit": ("${this.id}-" + $bot), "botgarden.oneoff": $bot`;
  }

  static async open(root: string): Promise<DatabaseHost> {
    const host = new DatabaseHost(root, await imageInEngine(reference));
    const { id } = host;
    await docker(["network", "create", id]);
    await docker([
      ...["run", "--detach", "--name", id, "--network", id, "--env", "POSTGRES_HOST_AUTH_METHOD=trust"],
      ...[host.image, "-c", "fsync=off"],
    ]);
    const ready = ["exec", id, "pg_isready", "-qh", "127.0.0.1", "-U", "postgres"];
    while ((await runProgram("docker", ready)).code !== 0) await delay(100);
    return host;
  }

  async close(): Promise<void> {
    const left = await dockerLines(["ps", "--all", "--quiet", "--filter", `name=${this.id}`]);
    if (left.length > 0) await docker(["rm", "--force", "--volumes", ...left]);
    await docker(["network", "rm", this.id]);
  }

  /** Makes a bot's role and database. */
  async addBot(bot: string): Promise<void> {
    await this.sql("postgres", `CREATE ROLE "${bot}" LOGIN CONNECTION LIMIT 5`);
    await this.sql("postgres", `CREATE DATABASE "${bot}" OWNER "${bot}"`);
  }

  /** What psql prints as the administrator. */
  async sql(database: string, text: string): Promise<string> {
    const args = [
      "exec",
      "-i",
      "-u",
      "postgres",
      this.id,
      "psql",
      "-qXAtv",
      "ON_ERROR_STOP=1",
      "-d",
      database,
    ];
    const ended = await runProgram("docker", args, { input: text });
    if (ended.code !== 0) throw new Error(ended.stderr);
    return ended.stdout.trim();
  }

  /** Creates the container of a bot's new release and gives its name. */
  async release(bot: string, options: readonly string[] = []): Promise<string> {
    const name = `${this.id}-${bot}-${randomBytes(3).toString("hex")}`;
    const variables = { PGHOST: this.id, PGUSER: bot, PGDATABASE: bot, BOT_TOKEN: "the-secret-of-the-bot" };
    await docker([
      ...[
        "create",
        "--name",
        name,
        "--network",
        this.id,
        "--network-alias",
        bot,
        "--restart",
        "unless-stopped",
      ],
      ...["--label", "botgarden.garden=unit", "--label", `botgarden.bot=${bot}`, "--user", "999:999"],
      ...["--memory", "64m", "--memory-swap", "64m", "--cap-drop", "ALL"],
      ...[
        "--security-opt",
        "no-new-privileges:true",
        "--log-driver",
        "json-file",
        "--log-opt",
        "max-size=10m",
      ],
      ...Object.entries(variables).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...["--health-cmd", "false", ...options, this.image],
    ]);
    return name;
  }

  /** Runs the step to its end. */
  step(bot: string, container: string, step: Step): Promise<Ended> {
    return runProgram(join(this.root, "bin/bot-before-deploy"), [bot, container], { input: inputOf(step) });
  }

  /** Begins the step; `kill` ends it and all that it started, as a host does that loses a session. */
  begin(bot: string, container: string, step: Step): Begun {
    const child = spawn(join(this.root, "bin/bot-before-deploy"), [bot, container], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end(inputOf(step));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    return { child, ended, kill: () => killGroup(child, ended) };
  }

  dump(bot: string, name: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return runProgram(join(this.root, "bin/postgres-dump"), [bot, name], { env: { ...process.env, ...env } });
  }

  /** The files in a bot's folder of dumps. */
  dumps(bot: string): string[] {
    const folder = join(this.root, "var/dumps", bot);
    return existsSync(folder) ? readdirSync(folder).toSorted() : [];
  }

  dumpFile(bot: string, name: string): string {
    return join(this.root, "var/dumps", bot, name);
  }

  /** Notes a good release, as the gate does. */
  note(bot: string, number: number): void {
    const folder = join(this.root, "var/releases", bot);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${number}.json`), "{}");
  }

  /** The containers that the scripts made and that are still there. */
  left(): Promise<string[]> {
    return dockerLines([
      "ps",
      "--all",
      "--format",
      "{{.Names}}",
      "--filter",
      `name=${this.id}-(step|check)-`,
    ]);
  }
}

function inputOf({ command, timeout = 30, database = true }: Step): string {
  return JSON.stringify({ command, timeout, database });
}

async function killGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await ended;
}
