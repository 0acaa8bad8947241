import { appendFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { PortFile } from "./client.ts";
import { writeAtomically } from "./state.ts";
import { PortTaken, startTelegram, type Telegram, type TelegramOptions } from "./telegram.ts";

const USAGE = `usage: node sandbox/telegram/main.ts --state-dir DIR [--api-host ADDRESS] [--api-port N]
         [--control-port N] [--extra-ca FILE] [--hosts FILE]
Runs the Telegram Bot API stand-in until SIGTERM. In DIR it keeps telegram.json (ports and control key),
telegram.pid, telegram.log and state.json. The hosts file is a JSON object of addresses by name.`;

interface Settings {
  stateDir: string;
  apiHost: string;
  apiPort: number;
  controlPort: number;
  extraCa: string | undefined;
  hosts: Record<string, string>;
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      "state-dir": { type: "string" },
      "api-host": { type: "string", default: "127.0.0.1" },
      "api-port": { type: "string", default: "0" },
      "control-port": { type: "string", default: "0" },
      "extra-ca": { type: "string" },
      hosts: { type: "string" },
    },
  });
  const stateDir = values["state-dir"];
  if (stateDir === undefined) throw new Error(USAGE);
  return {
    stateDir,
    apiHost: values["api-host"],
    apiPort: port("api-port", values["api-port"]),
    controlPort: port("control-port", values["control-port"]),
    extraCa: values["extra-ca"],
    hosts: values.hosts === undefined ? {} : JSON.parse(readFileSync(values.hosts, "utf8")),
  };
}

function port(option: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Error(`--${option}: a port is a number from 0 to 65535, got "${text}"`);
}

async function run(settings: Settings): Promise<void> {
  const file = (name: string): string => join(settings.stateDir, name);
  mkdirSync(settings.stateDir, { recursive: true, mode: 0o700 });
  const log = (line: string): void => {
    appendFileSync(file("telegram.log"), `${new Date().toISOString()} ${line}\n`, { mode: 0o600 });
  };
  const telegram = await startAt(
    settings.apiPort === 0 ? lastPort(file("api-port")) : settings.apiPort,
    (apiPort) => ({
      apiHost: settings.apiHost,
      apiPort,
      controlPort: settings.controlPort,
      ...(settings.extraCa === undefined ? {} : { extraCa: settings.extraCa }),
      hosts: settings.hosts,
      stateFile: file("state.json"),
      log,
    }),
    settings.apiPort,
  );
  writeAtomically(file("api-port"), new URL(telegram.apiUrl).port);
  const { apiUrl, controlUrl, controlKey } = telegram;
  const ports: PortFile = { pid: process.pid, apiUrl, controlUrl, controlKey };
  writeAtomically(file("telegram.pid"), `${process.pid}\n`);
  writeAtomically(file("telegram.json"), JSON.stringify(ports));
  log(`listening: Bot API ${apiUrl}, control ${controlUrl}`);
  stopOnSignal(telegram, [file("telegram.pid"), file("telegram.json")], log);
  process.stdout.write(`ready ${apiUrl}\n`);
}

/** Bots know the API root, so a free port that was taken once is taken again after a restart, if it still is free. */
async function startAt(
  port: number,
  options: (port: number) => TelegramOptions,
  otherwise: number,
): Promise<Telegram> {
  try {
    return await startTelegram(options(port));
  } catch (error) {
    if (port === otherwise || !(error instanceof PortTaken)) throw error;
    return startTelegram(options(otherwise));
  }
}

function lastPort(file: string): number {
  try {
    return port("api-port", readFileSync(file, "utf8").trim());
  } catch {
    return 0;
  }
}

function stopOnSignal(telegram: Telegram, files: string[], log: (line: string) => void): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    log("stopping");
    for (const path of files) rmSync(path, { force: true });
    telegram.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log(`stopping failed: ${String(error)}`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // Whoever started this process may be gone; a terminal that closes must not end it.
  process.on("SIGHUP", () => undefined);
}

try {
  await run(readSettings());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
