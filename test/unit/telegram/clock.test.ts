import { expect, test } from "vitest";
import { Clock } from "../../../sandbox/telegram/clock.ts";

test("advance fires timers in the order of their times, each at its own", async () => {
  const clock = new Clock({ frozen: true });
  const start = clock.now();
  const fired: [string, number][] = [];
  const note = (name: string) => (): void => void fired.push([name, clock.now() - start]);
  clock.after(3000, note("three"));
  clock.after(1000, () => {
    note("one")();
    clock.after(1000, note("two"));
  });
  clock.after(1000, note("one again"));
  clock.after(9000, note("too late"));
  clock.after(500, note("cancelled"))();
  await clock.advance(5);
  expect(fired).toEqual([
    ["one", 1000],
    ["one again", 1000],
    ["two", 2000],
    ["three", 3000],
  ]);
  expect(clock.now() - start).toBe(5000);
});

test("advance waits for work that may set new timers", async () => {
  const clock = new Clock({ frozen: true });
  const start = clock.now();
  let retriedAt = 0;
  clock.after(1000, () => {
    const release = clock.hold();
    setTimeout(() => {
      clock.after(1000, () => {
        retriedAt = clock.now() - start;
      });
      release();
    }, 30);
  });
  await clock.advance(60);
  expect(retriedAt).toBe(2000);
});

test("work that never ends doesn't stop the time", async () => {
  const clock = new Clock({ frozen: true, settleLimitMs: 50 });
  clock.hold();
  const start = clock.now();
  await clock.advance(60);
  expect(clock.now() - start).toBe(60_000);
});

test("a clock that runs keeps running after a jump, and fires its timers by itself", async () => {
  const clock = new Clock();
  const before = clock.now();
  await clock.advance(3600);
  expect(clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
  await new Promise<void>((resolve) => void clock.after(20, resolve));
  await expect(clock.advance(Number.NaN)).rejects.toThrow(/seconds must be 0 or more/);
});
