import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../../sandbox/engine/lock.ts";
import {
  isRunning,
  markOf,
  readPidFile,
  stopByPidFile,
  writePidFile,
} from "../../../sandbox/engine/processes.ts";

let folder = "";
const before = process.env.XDG_CACHE_HOME;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  process.env.XDG_CACHE_HOME = folder;
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(folder, { recursive: true, force: true });
});

async function holder(name: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "lock-holder.ts"), name], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout ?? child, "data");
  return child;
}

test("another process waits, says so once, and goes on when the lock is given back", async () => {
  const child = await holder("one");
  const said: string[] = [];
  const waiting = new Promise<void>((resolve) => {
    void withLock(
      "one",
      (line) => {
        said.push(line);
        child.stdin?.end();
      },
      () => Promise.resolve(),
    ).then(resolve);
  });
  const [text] = (await once(child.stdout ?? child, "data")) as [Buffer];
  expect(text.toString()).toBe("given back\n");
  await waiting;
  expect(said).toEqual(["waiting for another process that is busy with one"]);
});

test("locks of other names don't wait", async () => {
  await holder("one");
  expect(
    await withLock(
      "two",
      () => undefined,
      () => Promise.resolve(2),
    ),
  ).toBe(2);
});

test("a holder that was killed is taken over from", async () => {
  const child = await holder("one");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(
    await withLock(
      "one",
      () => undefined,
      () => Promise.resolve("taken over"),
    ),
  ).toBe("taken over");
});

test("only one at a time, also within a process and after an error", async () => {
  let inside = 0;
  let most = 0;
  const work = (): Promise<void> =>
    withLock(
      "one",
      () => undefined,
      async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        throw new Error("work failed");
      },
    );
  const results = await Promise.allSettled([work(), work(), work(), work()]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "rejected"]);
  expect(most).toBe(1);
});

test("a pid file whose number now belongs to another process names nobody, and stops nobody", async () => {
  const path = join(folder, "pid");
  const child = spawn("sleep", ["1000"]);
  children.push(child);
  await once(child, "spawn");
  writeFileSync(path, JSON.stringify({ pid: child.pid, started: "1" }));
  expect(readPidFile(path)).toBeUndefined();
  await stopByPidFile(path);
  expect(markOf(child.pid ?? 0)).toBeDefined();
});

test("a process is stopped by its pid file, and is gone afterwards", async () => {
  const path = join(folder, "pid");
  const child = spawn("sleep", ["1000"]);
  await once(child, "spawn");
  writePidFile(path, child.pid ?? 0);
  const mark = readPidFile(path);
  if (!mark) throw new Error("the pid file names nobody");
  await stopByPidFile(path);
  expect(isRunning(mark)).toBe(false);
  expect(readPidFile(path)).toBeUndefined();
});

test.each(["", "{", "[]", '{"pid":"1"}'])("a torn pid file %j names nobody", (content) => {
  const path = join(folder, "pid");
  writeFileSync(path, content);
  expect(readPidFile(path)).toBeUndefined();
});
