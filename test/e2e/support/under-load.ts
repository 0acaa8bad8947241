import { expect } from "vitest";
import type { NumberedBotReport } from "../../../sandbox/telegram/numbered-api.ts";
import type { Garden } from "./garden.ts";

/**
 * Does something while Telegram sends updates, and gives what became of them. None may be lost, whatever is done.
 *
 * @param rate updates per second
 */
export async function underLoad(
  garden: Garden,
  { bot, rate }: { bot: string; rate: number },
  work: () => Promise<unknown>,
): Promise<NumberedBotReport> {
  const id = await garden.telegram.numbered({ bots: [bot], rate });
  try {
    await work();
  } finally {
    await garden.telegram.numberedStop({ id });
  }
  const { done, bots } = await garden.telegram.numberedReport({ id, waitMs: 120_000 });
  const [report] = bots;
  if (report === undefined) throw new Error(`no updates were sent to ${bot}`);
  expect(done).toBe(true);
  expect(report).toMatchObject({ dropped: 0, pending: 0, delivered: report.sent });
  return report;
}

/**
 * The edge answered every update with 200. A kept connection may be closed in the very moment in which the next update is
 * on its way (RFC 9112, 9.5), which Telegram sends again: on a machine that stands still for seconds one of thousands.
 */
export function expectNothingRefused(report: NumberedBotReport | undefined, bot = "the bot"): void {
  if (report === undefined) throw new Error(`there is no report of ${bot}`);
  const { "Webhook connection closed": closed = 0, ...broken } = report.broken;
  // `toMatchObject` would take `{}` for anything.
  expect({ refused: report.refused, broken }, bot).toEqual({ refused: {}, broken: {} });
  expect(closed, `${bot}: updates sent again, ${report.sent} in all`).toBeLessThanOrEqual(
    Math.ceil(report.sent / 2000),
  );
}

/** What a person wants to know of a report, in a line. */
export function inWords({ sent, retried, latency, longestGapMs }: NumberedBotReport): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  return (
    `${sent} updates, all delivered, ${retried} of them at a later try; ` +
    `p50 ${ms(latency.p50)}, p99 ${ms(latency.p99)}, longest gap ${ms(longestGapMs)}`
  );
}
