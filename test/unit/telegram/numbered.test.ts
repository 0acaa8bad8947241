import { expect, test } from "vitest";
import { TelegramClient } from "../../../sandbox/telegram/client.ts";
import { Journal } from "../../../sandbox/telegram/numbered-journal.ts";
import { botReport } from "../../../sandbox/telegram/numbered-report.ts";
import { type Bench, readAnswer, startBench, startWebhook } from "./bench.ts";
import { type Answer, ok, type Receiver } from "./webhook-receiver.ts";

/** Two bots with webhooks on one receiver; the path tells which is meant. */
async function twoBots(
  answer: Answer = ok,
): Promise<{ bench: Bench; hook: Receiver; client: TelegramClient }> {
  const hook = await startWebhook(answer);
  const bench = await startBench({ frozen: false, hosts: hook.hosts });
  await bench.setWebhook({ url: "https://garden.test:8443/webhook/rose" });
  const token = await bench.telegram.addBot({ name: "lily" });
  const url = encodeURIComponent("https://garden.test:8443/webhook/lily");
  await readAnswer(fetch(`${bench.telegram.apiUrl}/bot${token}/setWebhook?url=${url}`));
  return { bench, hook, client: new TelegramClient(bench.telegram) };
}

test("numbered updates go to the bots in turn, over several chats, until the time is over", async () => {
  const { hook, client } = await twoBots();
  const from = Date.now();
  const id = await client.numbered({ bots: ["rose", "lily"], rate: 100, chats: 5, seconds: 0.5 });
  const windows = [
    { name: "all", ranges: [{ from, to: from + 60_000 }] },
    { name: "before", ranges: [{ from: from - 2000, to: from }] },
  ];
  const report = await client.numberedReport({ id, waitMs: 60_000, windows });
  expect(report).toMatchObject({ id, done: true });
  for (const bot of ["rose", "lily"]) {
    const seen = hook.deliveries.filter(({ path }) => path === `/webhook/${bot}`);
    expect(seen).toHaveLength(25);
    const numbers = seen.map(({ text }) => Number(/^run (\d+) update (\d+)$/.exec(text)?.[2]));
    expect(new Set(numbers)).toEqual(new Set(Array.from({ length: 25 }, (_, index) => index + 1)));
    expect(seen.map(({ chat }) => chat)).toEqual(numbers.map((number) => 2_000_001 + ((number - 1) % 5)));
    const found = report.bots.find((entry) => entry.bot === bot);
    expect(found).toMatchObject({
      ...{ sent: 25, delivered: 25, pending: 0, dropped: 0, attempts: 25, retried: 0, repeated: 0 },
      ...{ refused: {}, broken: {}, conflicts: 0, outOfOrder: 0, latency: { count: 25 } },
      windows: {
        all: { seconds: 60, sent: 25, delivered: 25, failed: 0, latency: { count: 25 } },
        before: { seconds: 2, sent: 0, delivered: 0, failed: 0, latency: { count: 0 }, longestGapMs: 2000 },
      },
    });
    expect((found?.lastUpdateId ?? 0) - (found?.firstUpdateId ?? 0)).toBe(24);
  }
  // Messages that nobody reads are not kept.
  expect(await client.messages({ bot: "rose", chat: 2_000_001 })).toEqual([]);
});

test("POSTs that fail are told by status and by reason, and their updates as retried", async () => {
  const seen = new Set<string>();
  const { client } = await twoBots((delivery, _, response) => {
    const again = seen.has(delivery.text);
    seen.add(delivery.text);
    if (!again && /update (3|7)$/.test(delivery.text)) response.writeHead(502).end();
    else if (!again && delivery.text.endsWith("update 5")) response.destroy();
    else response.end();
  });
  const id = await client.numbered({ bots: ["rose"], rate: 200, chats: 4, seconds: 0.1 });
  const { bots } = await client.numberedReport({ id, waitMs: 60_000 });
  expect(bots).toMatchObject([
    {
      ...{ sent: 20, delivered: 20, pending: 0, attempts: 23, retried: 3, outOfOrder: 0 },
      ...{ refused: { "502": 2 }, broken: { "Webhook connection closed": 1 } },
    },
  ]);
});

test("what was not delivered yet is pending, until the webhook takes it", async () => {
  const held: (() => void)[] = [];
  const { hook, client } = await twoBots((_, __, response) => void held.push(() => response.end()));
  const id = await client.numbered({ bots: ["rose", "lily"], rate: 50, chats: 1 });
  await hook.received(2);
  await client.numberedStop({ id });
  const before = await client.numberedReport({ id });
  expect(before.done).toBe(false);
  for (const bot of before.bots) expect(bot).toMatchObject({ delivered: 0, pending: bot.sent });
  hook.answer = ok;
  for (const release of held) release();
  const after = await client.numberedReport({ id, waitMs: 60_000 });
  expect(after.done).toBe(true);
  for (const [index, bot] of after.bots.entries())
    expect(bot).toMatchObject({ sent: before.bots[index]?.sent, delivered: bot.sent, pending: 0 });
});

test("a polling bot: updates that are handed out twice are counted, and so is the 409 of a second poller", async () => {
  const bench = await startBench();
  const { telegram, call, until } = bench;
  const id = await telegram.numbered({ bots: ["rose"], rate: 1000, seconds: 0.003 });
  const look = async () => (await telegram.numberedReport({ id })).bots[0];
  await until("three are sent", async () => (await look())?.sent === 3);
  const read = async (params: object) => (await call("getUpdates", { ...params })).body.result as unknown[];
  const updates = await read({});
  expect(updates).toHaveLength(3);
  // Who asks the same again at once gets one update only.
  await bench.clock.advance(4);
  expect(await read({ limit: 2 })).toHaveLength(2);
  const next = { offset: ((await look())?.lastUpdateId ?? 0) + 1 };
  const first = call("getUpdates", { ...next, timeout: 30 });
  await until("the first one waits", async () => (await telegram.bots())[0]?.polling === true);
  const second = call("getUpdates", { ...next, timeout: 30 });
  expect(await first).toMatchObject({ status: 409 });
  expect(await look()).toMatchObject({ sent: 3, delivered: 3, attempts: 0, repeated: 2, conflicts: 1 });
  expect(await telegram.numberedReport({ id })).toMatchObject({ done: true });

  await until(
    "the other one waits",
    async () => (await telegram.stats({ bot: "rose" })).calls.getUpdates === 4,
  );
  await bench.clock.advance(4);
  // A poller that was killed is not there to hear that another one came.
  const killed = new AbortController();
  const url = `${telegram.apiUrl}/bot${bench.token}/getUpdates?timeout=50&offset=${next.offset}`;
  const third = fetch(url, { signal: killed.signal }).catch(() => "killed");
  expect(await second).toMatchObject({ status: 409 });
  killed.abort();
  expect(await third).toBe("killed");
  const fourth = call("getUpdates", { ...next, timeout: 30 });
  await until("it is asked", async () => (await telegram.stats({ bot: "rose" })).calls.getUpdates === 6);
  await bench.clock.advance(31);
  expect((await fourth).body.result).toEqual([]);
  expect(await look()).toMatchObject({ conflicts: 2 });
});

test("an update that overtakes another of its chat is seen, as is the longest time without any", () => {
  const journal = new Journal();
  for (const [number, chat] of [
    [1, 5],
    [2, 6],
    [3, 5],
    [4, 6],
  ] as const)
    journal.record(number, chat, () => journal.sent(100 + number));
  const start = journal.updates[0]?.sentAt ?? 0;
  const arrivals = [start + 10, start + 20, start + 5, start + 900];
  for (const [index, update] of journal.updates.entries()) {
    update.sentAt = start;
    journal.reached(update.updateId);
    update.deliveredAt = arrivals[index] ?? 0;
  }
  const late = { name: "late", ranges: [{ from: start + 15, to: start + 1000 }] };
  const report = botReport("rose", journal, [late]);
  expect(report.outOfOrder).toBe(1);
  expect(report.longestGapMs).toBeCloseTo(880, 0);
  expect(report.windows.late?.longestGapMs).toBeCloseTo(880, 0);
});

test("mistakes are told in one line", async () => {
  const { telegram } = await startBench();
  await expect(telegram.numbered({ bots: [], rate: 5 })).rejects.toThrow("name at least one bot");
  await expect(telegram.numbered({ bots: ["tulip"], rate: 5 })).rejects.toThrow('there is no bot "tulip"');
  await expect(telegram.numbered({ bots: ["rose", "rose"], rate: 5 })).rejects.toThrow("name each bot once");
  await expect(telegram.numbered({ bots: ["rose"], rate: 0 })).rejects.toThrow(/rate must be above 0/);
  await expect(telegram.numbered({ bots: ["rose"], rate: 5, chats: 0 })).rejects.toThrow(/chats must be/);
  await expect(telegram.numbered({ bots: ["rose"], rate: 5, seconds: 0 })).rejects.toThrow(/seconds must be/);
  await expect(telegram.numberedReport({ id: 4 })).rejects.toThrow(
    "there is no run 4 of the numbered sender",
  );
});
