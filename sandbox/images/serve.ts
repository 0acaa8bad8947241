/** Starts and stops a sandbox's image mirror as a process of its own. */
import { spawn } from "node:child_process";
import { openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../cli/user-error.ts";
import { sandboxFolder } from "../engine/paths.ts";
import { markOf, readPidFile, stopByPidFile } from "../engine/processes.ts";
import type { ImageSet } from "./ensure.ts";
import { readShelf } from "./registry.ts";

/** The files of a sandbox's mirror. */
export interface MirrorFiles {
  pid: string;
  shelf: string;
  port: string;
  log: string;
}

/** Where the mirror of a sandbox keeps its files. */
export function mirrorFiles(sandboxId: string): MirrorFiles {
  const file = (name: string): string => join(sandboxFolder(sandboxId), name);
  return {
    pid: file("mirror.pid"),
    shelf: file("mirror.json"),
    port: file("mirror.port"),
    log: file("mirror.log"),
  };
}

/** What `startMirror` needs. */
export interface MirrorOptions {
  sandboxId: string;
  /** The operator's address in the sandbox's network, its gateway. */
  address: string;
  images: ImageSet;
  log: (line: string) => void;
}

/**
 * Serves the images on the network's gateway address and gives the mirror's address ("http://10.…:port") for
 * `createHost`; undefined where Docker Hub answers and no mirror is needed. The process outlives this one.
 * Called again it adds images, and keeps the process and the port.
 */
export async function startMirror({
  sandboxId,
  address,
  images,
  log,
}: MirrorOptions): Promise<string | undefined> {
  if (images.source === "hub") return undefined;
  const files = mirrorFiles(sandboxId);
  const shelf = { ...readShelf(files.shelf), ...images.shelf };
  writeAtomically(files.shelf, JSON.stringify(shelf, null, 2));
  const port = await choosePort(files, sandboxId, address);
  const url = `http://${address}:${port}`;
  if (readPidFile(files.pid) && (await listens(address, port))) return url;
  await stopByPidFile(files.pid);
  writeAtomically(files.port, String(port));
  log(`serving ${Object.keys(shelf).length} image tags to the sandbox at ${url}`);
  const output = openSync(files.log, "a", 0o600);
  const main = join(import.meta.dirname, "main.ts");
  const child = spawn(process.execPath, [main, sandboxId, address, String(port)], {
    detached: true,
    stdio: ["ignore", output, output],
  });
  child.unref();
  await waitForPort(address, port, child.pid, files.log);
  return url;
}

/** Ends the mirror of a sandbox; does nothing where there is none. */
export async function stopMirror(sandboxId: string): Promise<void> {
  await stopByPidFile(mirrorFiles(sandboxId).pid);
}

function writeAtomically(path: string, text: string): void {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

/**
 * The port of the last time, so that hosts which know it go on working; at first one that follows from the
 * sandbox's id. A port that something else holds is passed over.
 */
async function choosePort(files: MirrorFiles, sandboxId: string, address: string): Promise<number> {
  const last = readPort(files.port);
  if (last !== undefined && (readPidFile(files.pid) || (await isFree(address, last)))) return last;
  const start = 20_000 + (Number.parseInt(sandboxId.slice(-4), 36) % 10_000);
  for (let port = start; port < start + 100; port += 1) if (await isFree(address, port)) return port;
  throw new UserError(`no free port for the image mirror on ${address} between ${start} and ${start + 99}.`);
}

function readPort(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, "utf8"), 10) || undefined;
  } catch {
    return undefined;
  }
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

function listens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 1000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
  });
}

async function waitForPort(
  address: string,
  port: number,
  pid: number | undefined,
  log: string,
): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await listens(address, port))) {
    const ended = pid === undefined || !markOf(pid);
    if (ended || Date.now() > end) {
      throw new UserError(`the image mirror did not start on ${address}:${port}: see ${log}.`);
    }
    await delay(30);
  }
}
