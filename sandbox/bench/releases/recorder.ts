/** The bot that writes down every update (test/e2e/fixtures/recorder): how it is planted, and what it wrote. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../lifecycle/checkout.ts";
import { onHost } from "../../lifecycle/ssh.ts";
import type { Host } from "../../vps/host.ts";

/** The bot's source. */
export const recorderFolder = join(checkout, "test/e2e/fixtures/recorder");

const summary = readFileSync(join(import.meta.dirname, "record.sql"), "utf8");

/** How a recorder is planted. */
export interface RecorderOptions {
  /** Switches of the fixture's recorder/behaviour.py, as `{ FAIL: "exit" }`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Asks for updates and keeps them in SQLite, in a volume. @default a webhook and Postgres */
  readonly polling?: boolean;
  /** Settings of the bot's file in TypeScript, by name: they replace those written here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What release.txt says. @default "first" */
  readonly release?: string;
  /** The folder of the bot's source. @default the fixture's */
  readonly source?: string;
}

/** Writes the bot's file and its folder into a project; `pulumi up` is the caller's. */
export function plantRecorder(project: string, name: string, options: RecorderOptions = {}): void {
  cpSync(options.source ?? recorderFolder, join(project, "bots", name), { recursive: true });
  nameRelease(project, name, options.release ?? "first");
  writeFileSync(join(project, "bots", `${name}.ts`), recorderFile(name, options));
}

/** Changes the bot's source, so that the next `pulumi up` releases it. */
export function nameRelease(project: string, name: string, release: string): void {
  writeFileSync(join(project, "bots", name, "release.txt"), `${release}\n`);
}

function recorderFile(
  name: string,
  { environment = {}, polling = false, settings = {} }: RecorderOptions,
): string {
  const health = "interval: '2 seconds', timeout: '5 seconds', retries: 3, startPeriod: '20 seconds'";
  const kind: Record<string, string> = polling
    ? {
        polling: "true",
        database: "false",
        volumes: '{ data: "/data" }',
        image: `{ build: "./${name}", target: "polling" }`,
        health: `{ command: ["python", "-m", "recorder.alive"], ${health} }`,
      }
    : {
        webhook: '{ allowedUpdates: ["message"] }',
        image: `{ build: "./${name}", target: "webhook" }`,
        health: `{ path: "/health", ${health} }`,
      };
  const all = { ...kind, environment: `() => (${JSON.stringify(environment)})`, ...settings };
  const lines = Object.entries(all).map(([key, value]) => `  ${key}: ${value},\n`);
  return `import { defineBot } from "../settings/bot.ts";\n\nexport default defineBot({\n${lines.join("")}});\n`;
}

/** What a recorder wrote down of one run of the numbered sender. */
export interface BotRecord {
  /** Updates that were written, each as often as it came. */
  readonly rows: number;
  /** Different numbers. */
  readonly distinct: number;
  /** The highest number. */
  readonly last: number;
  /** Numbers whose first row in their chat came after that of a higher number. */
  readonly disorder: number;
  /** Rows by release. */
  readonly releases: Readonly<Record<string, number>>;
  /** When the first update of a release arrived there, in milliseconds since 1970; not of a polling recorder. */
  readonly firsts?: Readonly<Record<string, number>>;
}

/** What a polling recorder knows besides. */
export interface PollingRecord extends BotRecord {
  /** What SQLite says of its file; "ok" when it is whole. */
  readonly integrity: string;
  /** How often a container began to write. */
  readonly starts: number;
  /** How often Telegram answered 409. */
  readonly conflicts: number;
  /** Release and container of each that found another one writing. */
  readonly secondWriters: readonly string[];
}

/**
 * Reads the record in Postgres.
 *
 * @param psql the command that reaches the bot's database from the host
 */
export async function readRecord(
  host: Host,
  run: number,
  psql = `docker exec -i -u postgres botgarden-postgres psql -d recorder`,
): Promise<BotRecord> {
  const text = await onHost(host, `${psql} -qXAtv ON_ERROR_STOP=1 -v run=${run}`, summary);
  const record: BotRecord = JSON.parse(text);
  return record;
}

/** psql on a garden's host, in the database of a bot. */
export function gardenPsql(bot: string): string {
  return `docker exec -i -u postgres botgarden-postgres psql -d ${bot}`;
}

/** Reads the record of a polling bot, in its running container. */
export async function readPollingRecord(host: Host, run: number, bot: string): Promise<PollingRecord> {
  const container = `$(docker ps --quiet --filter label=botgarden.bot=${bot} | head -n 1)`;
  const record: PollingRecord = JSON.parse(
    await onHost(host, `docker exec ${container} python -m recorder.read ${run}`),
  );
  return record;
}

/** What is wrong with a record, given how many updates of the run were sent to the bot; empty when nothing is. */
export function faultsOf(record: BotRecord, sent: number): string[] {
  const faults: string[] = [];
  if (record.distinct !== sent) faults.push(`${sent} were sent, ${record.distinct} are recorded`);
  if (record.last > sent) faults.push(`number ${record.last} is recorded, though ${sent} were sent`);
  if (record.disorder > 0) faults.push(`${record.disorder} came before an earlier one of their chat`);
  return faults;
}
