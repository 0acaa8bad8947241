/** Starts and stops an ACME authority: Pebble in a container, and its front as a process of its own. */
import { spawn } from "node:child_process";
import { globSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../cli/user-error.ts";
import { run } from "../engine/docker.ts";
import { withLock } from "../engine/lock.ts";
import { ensurePrograms } from "../engine/packages.ts";
import { sandboxFolder } from "../engine/paths.ts";
import { isRunning, markOf, type ProcessMark, readPidFile, stopByPidFile } from "../engine/processes.ts";
import type { Network } from "../vps/network.ts";
import { AcmeClient } from "./client.ts";
import type { FrontSettings } from "./main.ts";
import { pebbleAddress, pebblePorts, removePebble, startPebble } from "./pebble.ts";
import { type Profile, pebbleProfiles } from "./profiles.ts";

/** How an authority runs. */
export interface AcmeOptions {
  readonly sandboxId: string;
  /** The sandbox's network: Pebble validates by its names, and clients find the front at its gateway. */
  readonly network: Network;
  /** Tells several authorities of a sandbox apart. @default "acme" */
  readonly name?: string;
  /** What an order gets that names no profile; older clients can't name one. @default "default", 90 days */
  readonly whenNoneIsAsked?: Profile;
  /** How many good nonces in a hundred are refused. @default 0 */
  readonly nonceRejects?: number;
  readonly log: (line: string) => void;
}

/** The files of an authority. */
export interface AcmeFiles {
  readonly folder: string;
  /** Mounted into Pebble's container. */
  readonly pebble: string;
  readonly settings: string;
  readonly pid: string;
  readonly port: string;
  readonly log: string;
  /** PEM, for programs that take a file: the issuing root alone. */
  readonly issuers: string;
}

/** Where an authority of a sandbox keeps its files. */
export function acmeFiles(sandboxId: string, name = "acme"): AcmeFiles {
  const folder = join(sandboxFolder(sandboxId), name);
  const file = (part: string): string => join(folder, part);
  return {
    folder,
    pebble: file("pebble"),
    settings: file("front.json"),
    pid: file("front.pid"),
    port: file("acme.json"),
    log: file("front.log"),
    issuers: file("issuers.pem"),
  };
}

/** Milliseconds that Pebble and the front may take to start. */
const startLimit = 60_000;

/**
 * Starts an authority and returns when it issues (its image made: about a second). One of the same name is
 * removed first; the new one has new roots. Everything outlives this process.
 *
 * @throws UserError when it does not come up
 */
export function startAcme(options: AcmeOptions): Promise<AcmeClient> {
  const { sandboxId, network, name = "acme", log } = options;
  return withLock(`acme-${sandboxId}`, log, async () => {
    await remove(sandboxId, name);
    await ensurePrograms([{ name: "openssl", package: "openssl" }], log);
    const files = acmeFiles(sandboxId, name);
    mkdirSync(files.folder, { recursive: true, mode: 0o700 });
    mkdirSync(files.pebble);
    const container = containerName(sandboxId, name);
    const { address, index } = await pebbleAddress(network, container);
    const names = `IP:${network.gateway},IP:${address}`;
    await run("sh", [join(import.meta.dirname, "make-authority.sh"), files.pebble, names]);
    const whenNoneIsAsked = options.whenNoneIsAsked ?? "default";
    await startPebble({
      ...{ sandboxId, network, container, address, log, folder: files.pebble },
      profiles: pebbleProfiles(whenNoneIsAsked),
      nonceRejects: options.nonceRejects ?? 0,
    });
    const settings: FrontSettings = {
      host: network.gateway,
      port: pebblePorts.acme + index,
      pebble: {
        acme: `https://${address}:${pebblePorts.acme}`,
        management: `https://${address}:${pebblePorts.management}`,
      },
      whenNoneIsAsked,
    };
    writeFileSync(files.settings, JSON.stringify(settings, null, 2));
    const client = await startFront(files);
    const { issuers } = await client.roots();
    writeFileSync(files.issuers, issuers);
    log(`the ACME authority answers at ${client.directoryUrl}`);
    return client;
  });
}

async function startFront(files: AcmeFiles): Promise<AcmeClient> {
  const output = openSync(files.log, "a", 0o600);
  const main = join(import.meta.dirname, "main.ts");
  const child = spawn(process.execPath, [main, files.folder], {
    detached: true,
    stdio: ["ignore", output, output],
  });
  child.unref();
  const mark = child.pid === undefined ? undefined : markOf(child.pid);
  const end = Date.now() + startLimit;
  for (;;) {
    const client = findClient(files.port);
    if (client !== undefined) return client;
    if (mark === undefined || !isRunning(mark) || Date.now() > end) {
      const said = readFileSync(files.log, "utf8").trim().split("\n").at(-1) ?? "";
      throw new UserError(`the ACME authority did not start: ${said || "it said nothing"} (${files.log})`);
    }
    await delay(20);
  }
}

function findClient(portFile: string): AcmeClient | undefined {
  try {
    return AcmeClient.fromPortFile(portFile);
  } catch {
    return undefined;
  }
}

/** The front's process, if it runs. */
export function acmeRuns(sandboxId: string, name?: string): ProcessMark | undefined {
  return readPidFile(acmeFiles(sandboxId, name).pid);
}

/** Ends an authority, with all that it knows; does nothing where there is none. */
export function stopAcme(
  sandboxId: string,
  { name = "acme", log }: { name?: string; log: (line: string) => void },
): Promise<void> {
  return withLock(`acme-${sandboxId}`, log, () => remove(sandboxId, name));
}

async function remove(sandboxId: string, name: string): Promise<void> {
  const { folder, pid } = acmeFiles(sandboxId, name);
  await stopByPidFile(pid);
  await removePebble(containerName(sandboxId, name));
  rmSync(folder, { recursive: true, force: true });
}

/** Ends the fronts of all authorities of a sandbox; their containers have its label. */
export async function stopFronts(sandboxId: string): Promise<void> {
  const folder = sandboxFolder(sandboxId);
  for (const file of globSync("*/front.pid", { cwd: folder })) await stopByPidFile(join(folder, file));
}

function containerName(sandboxId: string, name: string): string {
  return `botgarden-${sandboxId}-${name}`;
}
