/** Where the sandbox keeps things: caches that all checkouts share, and one folder per sandbox. */
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The cache folder that all checkouts of this user share; made when missing. */
export function cacheFolder(...parts: string[]): string {
  const root = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(root, "botgarden", ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * The folder of one sandbox: its keys, pid files and logs. Only the user may look into it. `removeAll` deletes
 * it. An id is 4 to 12 of a-z and 0-9: it is part of the name of a network interface, which has 15 letters.
 */
export function sandboxFolder(sandboxId: string): string {
  if (!/^[a-z0-9]{4,12}$/.test(sandboxId)) {
    throw new Error(`a sandbox id is 4 to 12 of a-z and 0-9, not "${sandboxId}"`);
  }
  const folder = join(cacheFolder("sandboxes"), sandboxId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
