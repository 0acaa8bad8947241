/** Releases under load: numbered updates go on while a bot is released again and again. */
import { setTimeout as delay } from "node:timers/promises";
import type { TelegramClient } from "../../telegram/client.ts";
import type { NumberedBotReport, TimeRange } from "../../telegram/numbered-api.ts";
import { botName, type Contender } from "./contender.ts";
import { type BotRecord, faultsOf } from "./recorder.ts";

/** The first connections are opened in this time, which is part of nothing (milliseconds). */
const WARM_UP_MS = 3000;

/** How long a backlog may take to be delivered at the end, in milliseconds: Telegram retries after up to 120 s. */
const DRAIN_MS = 300_000;

export interface LoadOptions {
  /** Updates per second. */
  readonly rate: number;
  readonly chats: number;
  readonly releases: number;
  /** Seconds of load before the first release, between two, and after the last one. */
  readonly quiet: number;
}

export interface Result {
  readonly name: string;
  /** Seconds of each release, until its command ended. */
  readonly seconds: readonly number[];
  /** Seconds of each release, until the new container had its first update. */
  readonly serving: readonly number[];
  readonly report: NumberedBotReport;
  readonly record: BotRecord;
  /** What was lost or mixed up. */
  readonly faults: readonly string[];
}

/** Measures one contender, which is planted and serves. */
export async function measure(
  contender: Contender,
  telegram: TelegramClient,
  { rate, chats, releases, quiet }: LoadOptions,
  log: (line: string) => void,
): Promise<Result> {
  log(`${contender.name}: ${rate} updates/s, ${releases} releases`);
  const id = await telegram.numbered({ bots: [botName], rate, chats });
  const during: TimeRange[] = [];
  const before = { from: Date.now() + WARM_UP_MS, to: 0 };
  try {
    await delay(WARM_UP_MS);
    await delay(quiet * 1000);
    before.to = Date.now();
    for (let number = 1; number <= releases; number += 1) {
      const from = Date.now();
      await contender.release(`release-${number}`);
      during.push({ from, to: Date.now() });
      log(`${contender.name}: release ${number} took ${((Date.now() - from) / 1000).toFixed(1)} s`);
      await delay(quiet * 1000);
    }
  } finally {
    await telegram.numberedStop({ id });
  }
  const last = during.at(-1)?.to ?? 0;
  // What a release does to the updates after it, as a back-off that outlasts it, counts as its doing.
  const windows = [
    { name: "before", ranges: [before] },
    { name: "during", ranges: [{ from: before.to, to: last + quiet * 1000 }] },
  ];
  const { bots, done } = await telegram.numberedReport({ id, waitMs: DRAIN_MS, windows });
  const report = bots[0];
  if (report === undefined) throw new Error("the numbered sender reports no bot");
  if (!done) log(`${contender.name}: ${report.pending} updates were not delivered in ${DRAIN_MS / 1000} s`);
  const record = await contender.record(id);
  const serving = during.flatMap(({ from }, index) => {
    const first = record.firsts?.[`release-${index + 1}`];
    return first === undefined ? [] : [(first - from) / 1000];
  });
  return {
    name: contender.name,
    seconds: during.map(({ from, to }) => (to - from) / 1000),
    serving,
    report,
    record,
    faults: faultsOf(record, report.sent),
  };
}
