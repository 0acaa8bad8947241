import { expect, test } from "vitest";
import { type ApiAnswer, type Bench, startBench, startWebhook } from "./bench.ts";

const HOSTS = { "garden.test": "127.0.0.1" };

function texts(answer: ApiAnswer): string[] {
  const updates = answer.body.result as { message: { text: string } }[];
  return updates.map((update) => update.message.text);
}

/** Starts a getUpdates that waits, and returns when it does. */
async function poll(
  bench: Bench,
  params: Record<string, unknown> = {},
): Promise<{ answer: Promise<ApiAnswer> }> {
  const calls = async (): Promise<number> =>
    (await bench.telegram.stats({ bot: "rose" })).calls.getUpdates ?? 0;
  const before = await calls();
  const answer = bench.call("getUpdates", { timeout: 50, ...params });
  await bench.until("the poller is there", async () => (await calls()) > before);
  return { answer };
}

test("getUpdates gives what waits, in order, and an offset confirms what came before it", async () => {
  const bench = await startBench();
  const first = await bench.say("one");
  await bench.say("two");
  await bench.say("three");
  expect(texts(await bench.call("getUpdates", { limit: 2 }))).toEqual(["one", "two"]);
  expect(texts(await bench.call("getUpdates", { offset: first + 1 }))).toEqual(["two", "three"]);
  expect(await bench.info()).toMatchObject({ pending_update_count: 2 });
  expect(texts(await bench.call("getUpdates", { offset: first + 3 }))).toEqual([]);
  expect(await bench.telegram.stats({ bot: "rose" })).toMatchObject({ polled: 3, pending: 0 });
});

test("a negative offset keeps the newest, one far in the future confirms nothing", async () => {
  const bench = await startBench();
  const first = await bench.say("one");
  await bench.say("two");
  await bench.say("three");
  expect(texts(await bench.call("getUpdates", { offset: first + 1000 }))).toEqual(["one", "two", "three"]);
  expect(texts(await bench.call("getUpdates", { offset: -1 }))).toEqual(["three"]);
  expect(await bench.info()).toMatchObject({ pending_update_count: 1 });
});

test("a long poll ends with the first update, or empty after its time, at most 50 s", async () => {
  const bench = await startBench();
  const { answer } = await poll(bench);
  await bench.say("hello");
  expect(texts(await answer)).toEqual(["hello"]);
  const updateId = (await bench.telegram.updates({ bot: "rose" }))[0]?.updateId ?? 0;
  let ended = false;
  const empty = await poll(bench, { offset: updateId + 1, timeout: 9999 });
  void empty.answer.then(() => {
    ended = true;
  });
  await bench.clock.advance(49);
  await bench.info();
  expect(ended).toBe(false);
  await bench.clock.advance(1);
  expect(texts(await empty.answer)).toEqual([]);
});

test("who asks again at once with the same offset waits three seconds", async () => {
  const bench = await startBench();
  expect(texts(await bench.call("getUpdates"))).toEqual([]);
  const { answer } = await poll(bench, { timeout: 0 });
  let ended = false;
  void answer.then(() => {
    ended = true;
  });
  await bench.clock.advance(2.9);
  await bench.info();
  expect(ended).toBe(false);
  await bench.clock.advance(0.1);
  expect(texts(await answer)).toEqual([]);
});

test("getUpdates is refused while a webhook is set, and again only three seconds later", async () => {
  const bench = await startBench({ hosts: HOSTS });
  await bench.setWebhook({ url: "https://garden.test/" });
  const description =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
  expect(await bench.call("getUpdates")).toMatchObject({
    status: 409,
    body: { error_code: 409, description },
  });
  const second = await poll(bench);
  let ended = false;
  void second.answer.then(() => {
    ended = true;
  });
  await bench.clock.advance(2.9);
  await bench.info();
  expect(ended).toBe(false);
  await bench.clock.advance(0.1);
  expect(await second.answer).toMatchObject({ status: 409, body: { description } });
});

test("a second poller ends the first", async () => {
  const bench = await startBench();
  const first = await poll(bench);
  const second = await poll(bench);
  expect(await first.answer).toMatchObject({
    status: 409,
    body: {
      description:
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    },
  });
  await bench.say("hello");
  expect(texts(await second.answer)).toEqual(["hello"]);
});

test("setWebhook ends a poller", async () => {
  const bench = await startBench({ hosts: HOSTS });
  const { answer } = await poll(bench);
  expect((await bench.setWebhook({ url: "https://garden.test/" })).body.ok).toBe(true);
  expect(await answer).toMatchObject({
    status: 409,
    body: { description: "Conflict: terminated by setWebhook request" },
  });
});

test("updates outlive the way they go: polled, then delivered, each once", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  const first = await bench.say("one");
  await bench.say("two");
  await bench.call("getUpdates", { offset: first + 1 });
  await bench.setWebhook({ url: hook.url });
  await bench.say("three");
  await hook.received(2);
  expect(hook.deliveries.map((delivery) => delivery.text)).toEqual(["two", "three"]);
});

test("updates that nobody fetched in 24 hours are gone", async () => {
  const bench = await startBench();
  await bench.say("old");
  await bench.clock.advance(20 * 3600);
  await bench.say("young");
  await bench.clock.advance(4 * 3600 + 1);
  expect(texts(await bench.call("getUpdates"))).toEqual(["young"]);
  expect(await bench.telegram.stats({ bot: "rose" })).toMatchObject({ dropped: 1 });
});

test("getUpdates sets allowed_updates too", async () => {
  const bench = await startBench();
  await bench.call("getUpdates", { allowed_updates: ["message"] });
  expect(await bench.info()).toMatchObject({ allowed_updates: ["message"] });
  expect(await bench.telegram.inject({ bot: "rose", type: "poll", payload: {} })).toBeNull();
});
