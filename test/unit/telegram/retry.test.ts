import { createServer } from "node:net";
import { expect, test } from "vitest";
import { delayAfterFailure, FloodControl } from "../../../sandbox/telegram/delivery/retry.ts";
import { atEnd, type Bench, startBench, startWebhook } from "./bench.ts";
import { ownAddress, status } from "./webhook-receiver.ts";

const HOUR = 3600;

/** The stand-in's time of each delivery, in seconds after the first. */
async function watchTimes(bench: Bench, hook: { answer: unknown }): Promise<number[]> {
  const times: number[] = [];
  const answer = hook.answer as (...args: unknown[]) => void;
  hook.answer = (...args: unknown[]): void => {
    times.push(bench.clock.now() / 1000);
    answer(...args);
  };
  return times;
}

function gaps(times: number[]): number[] {
  return times.slice(1).map((time, n) => Math.round((time - (times[n] ?? 0)) * 1000) / 1000);
}

test("the first retry comes at once, then the delay doubles up to the drawn cap", async () => {
  const hook = await startWebhook(status(500));
  const bench = await startBench({ hosts: hook.hosts });
  const times = await watchTimes(bench, hook);
  await bench.setWebhook({ url: hook.url });
  await bench.say("hello");
  await hook.received(2);
  await bench.clock.advance(400);
  // With a draw of 0.5 the cap is 60 + 30 s.
  expect(gaps(times)).toEqual([0, 2, 4, 8, 16, 32, 64, 90, 90, 90]);
  expect(await bench.info()).toMatchObject({
    pending_update_count: 1,
    last_error_message: "Wrong response from the webhook: 500 Internal Server Error",
  });
  hook.answer = status(200);
  await bench.clock.advance(90);
  expect(await bench.info()).toMatchObject({ pending_update_count: 0 });
  expect(await bench.telegram.stats({ bot: "rose" })).toMatchObject({
    attempts: 12,
    failed: 11,
    retried: 11,
    delivered: 1,
  });
});

test("the cap is drawn between 60 and 120 seconds", () => {
  const last = (random: number): number => {
    const state = { delay: 1, failures: 0 };
    let delay = 0;
    for (let n = 0; n < 12; n++) delay = delayAfterFailure(state, 0, () => random);
    return delay;
  };
  expect([last(0), last(0.999)]).toEqual([60, 120]);
});

test("Retry-After is honoured, up to an hour", async () => {
  const after = ["7", "7200", "soon"];
  const hook = await startWebhook((delivery, n, response) => {
    const value = after[n];
    status(value === undefined ? 200 : 429, value === undefined ? {} : { "Retry-After": value })(
      delivery,
      n,
      response,
    );
  });
  const bench = await startBench({ hosts: hook.hosts });
  const times = await watchTimes(bench, hook);
  await bench.setWebhook({ url: hook.url });
  await bench.say("hello");
  await hook.received(1);
  await bench.clock.advance(2 * HOUR);
  expect(gaps(times)).toEqual([7, 3600, 2]);
});

test("an update lives 24 hours", async () => {
  const hook = await startWebhook(status(503, { "Retry-After": "3600" }));
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  const updateId = await bench.say("hello");
  await hook.received(1);
  await bench.clock.advance(23 * HOUR);
  expect(await bench.info()).toMatchObject({ pending_update_count: 1 });
  await bench.clock.advance(HOUR);
  expect(await bench.info()).toMatchObject({ pending_update_count: 0 });
  expect(await bench.telegram.stats({ bot: "rose" })).toMatchObject({ dropped: 1, delivered: 0 });
  expect(await bench.telegram.updates({ bot: "rose" })).toMatchObject([{ updateId, dropped: true }]);
});

test("23 hours of nothing but 410 remove the webhook; its updates stay for getUpdates", async () => {
  // Retry-After keeps the number of tries small.
  const hook = await startWebhook(status(410, { "Retry-After": "1800" }));
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("hello");
  await hook.received(1);
  await bench.clock.advance(23 * HOUR);
  expect(await bench.info()).toMatchObject({ url: hook.url });
  await bench.clock.advance(0.5 * HOUR);
  expect(await bench.info()).toMatchObject({ url: "", pending_update_count: 1 });
  expect((await bench.call("getUpdates")).body.result).toMatchObject([{ message: { text: "hello" } }]);
});

test("another failure between the 410s starts the 23 hours anew", async () => {
  let code = 410;
  const hook = await startWebhook((delivery, n, response) => {
    status(code, { "Retry-After": "1800" })(delivery, n, response);
  });
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("hello");
  await hook.received(1);
  await bench.clock.advance(12 * HOUR);
  code = 502;
  await bench.clock.advance(0.5 * HOUR);
  code = 410;
  await bench.clock.advance(11 * HOUR);
  expect(await bench.info()).toMatchObject({ url: hook.url });
});

test("after 10 s without a success there is one connection", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hangs: true, hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("alive", 1);
  await bench.until("it is delivered", async () => (await bench.info()).pending_update_count === 0);
  // The kept connection ends, so that all of what follows is new.
  await bench.clock.advance(61);
  expect((await bench.telegram.stats({ bot: "rose" })).connections).toBe(0);

  const open: (() => void)[] = [];
  hook.answer = (_, __, response) => void open.push(() => response.end());
  for (let chat = 1; chat <= 6; chat++) await bench.say("hello", chat);
  await hook.received(2);
  await bench.clock.advance(4);
  expect((await bench.telegram.stats({ bot: "rose" })).connections).toBe(1);
  // One success, and it opens up.
  open[0]?.();
  await hook.received(7);
  expect((await bench.telegram.stats({ bot: "rose" })).connections).toBe(5);
});

test("while nothing succeeds, a new connection is tried at most once in 2 s", async () => {
  const address = ownAddress();
  let attempts = 0;
  const server = createServer((socket) => {
    attempts++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(8443, address, resolve));
  atEnd(() => new Promise((resolve) => void server.close(() => resolve())));
  const bench = await startBench({ hosts: { "garden.test": address } });
  await bench.setWebhook({ url: "https://garden.test:8443/" });
  for (let chat = 1; chat <= 30; chat++) await bench.say("hello", chat);
  await bench.clock.advance(20);
  await bench.until("the last one arrived", () => attempts >= 11);
  // At 0, 2, 4 … 20 s: thirty chats would like to be faster.
  expect(attempts).toBe(11);
});

test("flood control lets a burst through and then a steady rate", () => {
  const flood = new FloodControl(10, 500);
  let now = 1000;
  const times: number[] = [];
  for (let n = 0; n < 12; n++) {
    now = Math.max(now, flood.allowedAt());
    flood.add(now);
    times.push(now);
  }
  expect(times).toEqual([...Array.from({ length: 10 }, () => 1000), 1050, 1100]);
});

test("a webhook that doesn't answer in 60 s has failed, and the update comes again", async () => {
  const hook = await startWebhook(() => undefined);
  const bench = await startBench({ hangs: true, hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("hello");
  await hook.received(1);
  await bench.clock.advance(59);
  expect(await bench.info()).not.toHaveProperty("last_error_message");
  await bench.clock.advance(1);
  expect(await bench.info()).toMatchObject({
    last_error_message: "Read timeout expired",
    pending_update_count: 1,
  });
  await hook.received(2);
});

test("a kept connection that rests for 60 s is closed, which is no failure", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("one");
  await bench.until("it is delivered", async () => (await bench.info()).pending_update_count === 0);
  await bench.clock.advance(59);
  expect((await bench.telegram.stats({ bot: "rose" })).connections).toBe(1);
  await bench.clock.advance(2);
  expect((await bench.telegram.stats({ bot: "rose" })).connections).toBe(0);
  await bench.say("two");
  await hook.received(2);
  expect(await bench.info()).not.toHaveProperty("last_error_message");
});

test("a webhook that closes instead of answering gets the update again", async () => {
  const hook = await startWebhook((_, n, response) => {
    if (n === 0) response.socket?.destroy();
    else response.end();
  });
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("hello");
  await hook.received(1);
  await bench.clock.advance(2);
  await hook.received(2);
  await bench.until("it is delivered", async () => (await bench.info()).pending_update_count === 0);
  expect(await bench.telegram.stats({ bot: "rose" })).toMatchObject({
    errors: { "Webhook connection closed": 1 },
  });
});
