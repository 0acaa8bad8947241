import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPortFile, TelegramClient } from "./client.ts";

/** How long the stand-in may take to listen, or to stop (milliseconds). */
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** How often it is looked whether the process has ended (milliseconds). */
const LOOK_EVERY_MS = 50;

/** How the stand-in runs in the background. */
export interface BackgroundOptions {
  /** Holds its state, log, pid and port file; made when missing. */
  stateDir: string;
  /** @default "127.0.0.1" */
  apiHost?: string;
  /** @default a free port */
  apiPort?: number;
  /** A PEM file with the sandbox's authority. */
  extraCa?: string;
  /** Addresses by host name. */
  hosts?: Record<string, string>;
}

/** The port file of a stand-in with this state directory. */
export function portFileOf(stateDir: string): string {
  return join(stateDir, "telegram.json");
}

/** Starts the stand-in as a process of its own and returns when it listens; it outlives this process. */
export async function startInBackground(options: BackgroundOptions): Promise<TelegramClient> {
  const { stateDir } = options;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const args = [fileURLToPath(new URL("./main.ts", import.meta.url)), "--state-dir", stateDir];
  if (options.apiHost !== undefined) args.push("--api-host", options.apiHost);
  if (options.apiPort !== undefined) args.push("--api-port", String(options.apiPort));
  if (options.extraCa !== undefined) args.push("--extra-ca", options.extraCa);
  if (options.hosts !== undefined) {
    const hosts = join(stateDir, "hosts.json");
    writeFileSync(hosts, JSON.stringify(options.hosts));
    args.push("--hosts", hosts);
  }
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const failure = await new Promise<string | undefined>((resolve) => {
    let message = "";
    const limit = setTimeout(
      () => resolve(`it was not ready after ${START_LIMIT_MS / 1000} s`),
      START_LIMIT_MS,
    );
    const finish = (reason: string | undefined): void => {
      clearTimeout(limit);
      resolve(reason);
    };
    child.stdout.on("data", () => finish(undefined));
    child.stderr.on("data", (chunk: Buffer) => {
      message += chunk.toString();
    });
    child.on("error", (error) => finish(error.message));
    child.on("close", (code) => finish(message.trim() || `it ended with code ${code}`));
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  if (failure !== undefined) {
    child.kill("SIGKILL");
    throw new Error(`the Telegram stand-in didn't start: ${failure}`);
  }
  return TelegramClient.fromPortFile(portFileOf(stateDir));
}

/** Whether a stand-in with this state directory runs. */
export function runsInBackground(stateDir: string): boolean {
  const pid = pidOf(stateDir);
  return pid !== undefined && isStandIn(pid, stateDir);
}

/** Stops the stand-in of this state directory and waits for its end; its state file stays. */
export async function stopInBackground(stateDir: string): Promise<void> {
  const pid = pidOf(stateDir);
  if (pid === undefined || !isStandIn(pid, stateDir)) return;
  process.kill(pid, "SIGTERM");
  const end = Date.now() + STOP_LIMIT_MS;
  while (isStandIn(pid, stateDir)) {
    if (Date.now() > end) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function pidOf(stateDir: string): number | undefined {
  try {
    return readPortFile(portFileOf(stateDir)).pid;
  } catch {
    return undefined;
  }
}

/** A pid may belong to another process by now: the command line must name this state directory. */
function isStandIn(pid: number, stateDir: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes(stateDir) && words.some((word) => word.endsWith("telegram/main.ts"));
  } catch {
    return false;
  }
}
