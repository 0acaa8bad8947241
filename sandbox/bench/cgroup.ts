/** What a container has used, read from its control group on this machine: nothing runs in it for that. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../cli/user-error.ts";

const root = "/sys/fs/cgroup";

/** One container's control group, of version 1 or 2. */
export interface ControlGroup {
  /** Processor time so far, in microseconds. */
  cpuMicroseconds(): number;
  /** Memory of its processes, without the page cache, in bytes. */
  memoryBytes(): number;
}

/**
 * Finds the control group of a container by its id, also of one on an engine within a container of this machine.
 *
 * @throws UserError where the engine is not this machine's
 */
export function controlGroupOf(containerId: string): ControlGroup {
  const version1 = folderOf(join(root, "cpuacct"), containerId);
  const memory = folderOf(join(root, "memory"), containerId);
  if (version1 !== undefined && memory !== undefined) {
    return {
      cpuMicroseconds: () => Number(readFileSync(join(version1, "cpuacct.usage"), "utf8")) / 1000,
      memoryBytes: () => sum(join(memory, "memory.stat"), ["rss", "mapped_file"]),
    };
  }
  const version2 = folderOf(root, containerId);
  if (version2 !== undefined) {
    return {
      cpuMicroseconds: () => sum(join(version2, "cpu.stat"), ["usage_usec"]),
      memoryBytes: () => sum(join(version2, "memory.stat"), ["anon", "shmem"]),
    };
  }
  throw new UserError(
    `this machine has no control group of the container ${containerId.slice(0, 12)}. The benchmark needs a Docker ` +
      "engine on this machine itself, not a remote one, and the right to read /sys/fs/cgroup.",
  );
}

function folderOf(folder: string, id: string): string | undefined {
  for (const entry of folders(folder)) {
    const path = join(folder, entry);
    if (entry.includes(id)) return path;
    const found = folderOf(path, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function folders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    // Ended meanwhile, or not there in this version.
    return [];
  }
}

/** The sum of some of the `name value` lines of a file. */
function sum(file: string, names: readonly string[]): number {
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([name = ""]) => names.includes(name))
    .reduce((total, [, value]) => total + Number(value), 0);
}
