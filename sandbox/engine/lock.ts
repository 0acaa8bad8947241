/** A lock between processes of one machine, for caches that several checkouts share. */
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cacheFolder } from "./paths.ts";
import { markOf, readPidFile } from "./processes.ts";

/**
 * Runs `work` while no other process holds the lock of that name. Waits for a holder that runs; takes over
 * from one that was killed. `log` hears once that it waits.
 */
export async function withLock<T>(
  name: string,
  log: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(cacheFolder("locks"), `${name}.lock`);
  let told = false;
  while (!take(path)) {
    if (!told) log(`waiting for another process that is busy with ${name}`);
    told = true;
    await delay(100);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

let counter = 0;

/** A link is made by exactly one process, and the file is whole when it appears. */
function take(path: string): boolean {
  const mark = markOf(process.pid);
  counter += 1;
  const mine = `${path}.${process.pid}.${counter}`;
  writeFileSync(mine, JSON.stringify(mark));
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    removeIfDead(path);
    return false;
  } finally {
    unlinkSync(mine);
  }
}

/**
 * Removes the lock of a process that has ended. Moving it aside first shows whether another waiter was faster
 * and it is that one's lock by now; then it goes back.
 */
function removeIfDead(path: string): void {
  const aside = `${path}.${process.pid}.dead`;
  try {
    const before = readFileSync(path, "utf8");
    if (readPidFile(path)) return;
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== before) linkSync(aside, path);
    unlinkSync(aside);
  } catch (error) {
    // It was given back in between.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
