/** Telling whether a process that was started earlier still runs, and ending it, without hitting another one. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process as a pid file names it. `started` tells it from a later process of the same number. */
export interface ProcessMark {
  pid: number;
  /** Start time as the kernel counts it (clock ticks since boot); "" where /proc is missing. */
  started: string;
}

/** The mark of a process that runs now; undefined when there is none. */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, but belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  const stat = readStat(pid);
  // A zombie has ended; only its parent has not yet been told.
  if (stat?.state === "Z") return undefined;
  return { pid, started: stat?.started ?? "" };
}

function readStat(pid: number): { state: string; started: string } | undefined {
  try {
    // The second field, the program's name, may hold blanks and brackets: count from its last bracket.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", started: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/** True when exactly that process still runs. */
export function isRunning(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.started === mark.started;
}

/** Writes a pid file atomically. */
export function writePidFile(path: string, pid: number): void {
  const mark = markOf(pid);
  if (!mark) throw new Error(`process ${pid} ended before its pid file was written`);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(mark));
  renameSync(temporary, path);
}

/** The process that a pid file names; undefined when it is missing, torn, or the process has ended. */
export function readPidFile(path: string): ProcessMark | undefined {
  try {
    const mark: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isMark(mark)) return undefined;
    return isRunning(mark) ? mark : undefined;
  } catch {
    return undefined;
  }
}

function isMark(value: unknown): value is ProcessMark {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "started" in value &&
    typeof value.started === "string"
  );
}

/** Ends the process of a pid file (SIGTERM, after 5 s SIGKILL), waits until it is gone, removes the file. */
export async function stopByPidFile(path: string): Promise<void> {
  const mark = readPidFile(path);
  if (mark) {
    signal(mark, "SIGTERM");
    if (!(await waitUntilGone(mark, 5000))) {
      signal(mark, "SIGKILL");
      await waitUntilGone(mark, 5000);
    }
  }
  rmSync(path, { force: true });
}

function signal(mark: ProcessMark, name: NodeJS.Signals): void {
  try {
    if (isRunning(mark)) process.kill(mark.pid, name);
  } catch {
    // It ended in between.
  }
}

async function waitUntilGone(mark: ProcessMark, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (isRunning(mark)) {
    if (Date.now() > end) return false;
    await delay(20);
  }
  return true;
}
