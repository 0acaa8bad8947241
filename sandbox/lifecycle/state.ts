/** What a running sandbox is made of, kept in its folder so that later commands find it. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../cli/user-error.ts";
import { sandboxFolder } from "../engine/paths.ts";
import type { Toolchain } from "../toolchain/index.ts";
import type { Host } from "../vps/host.ts";
import type { Network } from "../vps/network.ts";

export interface SandboxState {
  readonly id: string;
  /** The folder whose program the sandbox runs. */
  readonly project: string;
  readonly host: Host;
  /** The sandbox's network, which plays the internet: Telegram and the operator are at its gateway. */
  readonly network: Network;
  /** The garden's public name. Telegram, the sandbox's network and the host know its address, nobody else does. */
  readonly domain: string;
  /** More names that lead to the host. */
  readonly extraDomains: readonly string[];
  /** The directory of the sandbox's ACME authority. */
  readonly acmeDirectory: string;
  /** Root of the Bot API, as bots are given it. */
  readonly apiRoot: string;
  readonly toolchain: Toolchain;
}

function file(id: string): string {
  return join(sandboxFolder(id), "sandbox.json");
}

export function writeState(state: SandboxState): void {
  const temporary = `${file(state.id)}.new`;
  writeFileSync(temporary, JSON.stringify(state, null, 2));
  renameSync(temporary, file(state.id));
}

/** The sandbox's state, or undefined if there is none. */
export function findState(id: string): SandboxState | undefined {
  try {
    const state: SandboxState = JSON.parse(readFileSync(file(id), "utf8"));
    return state;
  } catch {
    return undefined;
  }
}

/** @throws UserError when the sandbox was not started */
export function readState(id: string): SandboxState {
  const state = findState(id);
  if (state === undefined) throw new UserError("there is no sandbox. Start one: npm run sandbox -- up");
  return state;
}

/** Folders of a sandbox's parts. */
export function partsOf(id: string) {
  const folder = sandboxFolder(id);
  return {
    telegram: join(folder, "telegram"),
    backend: join(folder, "backend"),
    passphraseFile: join(folder, "passphrase"),
  };
}
