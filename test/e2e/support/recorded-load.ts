/** Updates that go on while a test does things, and what became of each: sent, delivered, written down by the bot. */
import { expect } from "vitest";
import {
  type BotRecord,
  faultsOf,
  gardenPsql,
  readPollingRecord,
  readRecord,
} from "../../../sandbox/bench/releases/recorder.ts";
import type { NumberedBotReport, TimeRange } from "../../../sandbox/telegram/numbered-api.ts";
import { eventually } from "./eventually.ts";
import type { Garden } from "./garden.ts";
import { recorders } from "./releases.ts";
import { expectNothingRefused } from "./under-load.ts";

/** How long a backlog may take at the end, in milliseconds: Telegram tries again after up to two minutes. */
const DRAIN_MS = 300_000;

export interface LoadOptions {
  /** @default the three recorders */
  readonly bots?: readonly string[];
  /** Those of them that poll and keep their record in SQLite. @default none */
  readonly polling?: readonly string[];
  /** Updates per second, over all bots together. */
  readonly rate: number;
  /** Over how many chats each bot's updates are spread. @default 20 */
  readonly chats?: number;
}

/** What became of one bot's updates; none of them is lost or out of order in its chat. */
export interface Outcome {
  readonly bot: string;
  /** What Telegram knows. */
  readonly report: NumberedBotReport;
  /** What the bot knows. */
  readonly record: BotRecord;
}

/** A load that is under way. */
export class Load {
  /** The run's number: with it the records of this load are found. */
  readonly run: number;
  readonly #garden: Garden;
  readonly #windows = new Map<string, TimeRange[]>();

  constructor(garden: Garden, run: number) {
    this.#garden = garden;
    this.run = run;
  }

  /** Does something in a window of time, which the report tells of by this name; the same name again adds to it. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const from = Date.now();
    try {
      return await work();
    } finally {
      this.#windows.set(name, [...(this.#windows.get(name) ?? []), { from, to: Date.now() }]);
    }
  }

  /** Lets so many more updates reach each bot, while nothing else happens. */
  async flow(updates: number): Promise<void> {
    const before = await this.#delivered();
    await eventually(async () => {
      const now = await this.#delivered();
      for (const [bot, count] of now) expect(count - (before.get(bot) ?? 0)).toBeGreaterThanOrEqual(updates);
    }, DRAIN_MS);
  }

  get windows() {
    return [...this.#windows].map(([name, ranges]) => ({ name, ranges }));
  }

  async #delivered(): Promise<Map<string, number>> {
    const { bots } = await this.#garden.telegram.numberedReport({ id: this.run });
    return new Map(bots.map(({ bot, delivered }) => [bot, delivered]));
  }
}

/**
 * Does something while Telegram sends updates to recorders. Whatever is done: what was sent is delivered and written
 * down, in the order of each chat.
 */
export async function recordedLoad(
  garden: Garden,
  { bots = recorders, polling = [], rate, chats = 20 }: LoadOptions,
  work: (load: Load) => Promise<unknown>,
): Promise<Outcome[]> {
  const load = new Load(garden, await garden.telegram.numbered({ bots, rate, chats }));
  try {
    // The first connections and what they need are nobody's doing.
    await load.flow(1);
    await work(load);
  } finally {
    await garden.telegram.numberedStop({ id: load.run });
  }
  const { windows } = load;
  const reports = await garden.telegram.numberedReport({ id: load.run, waitMs: DRAIN_MS, windows });
  const outcomes: Outcome[] = [];
  for (const report of reports.bots) {
    const { bot, sent } = report;
    expect(report, bot).toMatchObject({ dropped: 0, pending: 0, delivered: sent });
    const read = () =>
      polling.includes(bot)
        ? readPollingRecord(garden.state.host, load.run, bot)
        : readRecord(garden.state.host, load.run, gardenPsql(bot));
    // What getUpdates handed out last may not be written down yet.
    await eventually(async () => expect(faultsOf(await read(), sent), bot).toEqual([]), 30_000);
    outcomes.push({ bot, report, record: await read() });
  }
  return outcomes;
}

/** The outcome of one bot. */
export function outcomeOf(outcomes: readonly Outcome[], bot: string): Outcome {
  const outcome = outcomes.find((candidate) => candidate.bot === bot);
  if (outcome === undefined) throw new Error(`no updates were sent to ${bot}`);
  return outcome;
}

/** The edge answered every update of every bot with 200. */
export function expectNoneRefused(outcomes: readonly Outcome[]): void {
  for (const { bot, report } of outcomes) expectNothingRefused(report, bot);
}

/** What a person wants to know, a line for each bot. */
export function counts(outcomes: readonly Outcome[]): string {
  return outcomes.map(countsOfOne).join("\n");
}

function countsOfOne({ bot, report, record }: Outcome): string {
  const { sent, retried, refused, broken, latency, longestGapMs, windows } = report;
  const failed = [...Object.entries(refused), ...Object.entries(broken)].map(
    ([why, times]) => `${times} × ${why}`,
  );
  const parts = [
    `${bot}: ${sent} sent, ${record.distinct} recorded, 0 lost, ${record.rows - record.distinct} twice`,
    `${retried} at a later try${failed.length === 0 ? "" : ` (${failed.join(", ")})`}`,
    `longest gap ${ms(longestGapMs)}`,
  ];
  const ranges = Object.entries(windows).map(
    ([
      name,
      {
        latency: { p50, p99 },
      },
    ]) => `${name} p50 ${ms(p50)}, p99 ${ms(p99)}`,
  );
  return `  ${[...parts, ...(ranges.length === 0 ? [`p50 ${ms(latency.p50)}, p99 ${ms(latency.p99)}`] : ranges)].join("; ")}`;
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

/** A number that the environment may raise: `npm test` is content with less than the whole proof. */
export function times(variable: string, standard: number): number {
  const given = process.env[variable];
  if (given === undefined) return standard;
  if (/^[1-9]\d{0,3}$/.test(given)) return Number(given);
  throw new Error(`${variable} must be a whole number from 1 to 9999, not "${given}"`);
}

/** How long a test with so many releases may take, in milliseconds: far more than it does. */
export function timeoutOf(releases: number): number {
  return 600_000 + releases * 30_000;
}
