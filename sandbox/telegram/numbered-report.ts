import type {
  NumberedBotReport,
  NumberedUpdate,
  NumberedWindow,
  TimeRange,
  WindowReport,
} from "./numbered-api.ts";
import { type Journal, now } from "./numbered-journal.ts";
import { latency } from "./stats.ts";

/** How the updates of one bot fared, in all and in some windows of time. */
export function botReport(
  bot: string,
  journal: Journal,
  windows: readonly NumberedWindow[],
): NumberedBotReport {
  const { updates, failures } = journal;
  const dropped = updates.filter((update) => update.dropped).length;
  const arrivals = arrivalsOf(updates);
  const first = updates[0];
  const end = journal.open > 0 ? now() : (arrivals.at(-1) ?? 0);
  return {
    bot,
    firstUpdateId: first?.updateId ?? 0,
    lastUpdateId: updates.at(-1)?.updateId ?? 0,
    sent: updates.length,
    delivered: arrivals.length,
    dropped,
    pending: journal.open,
    attempts: updates.reduce((sum, update) => sum + update.attempts, 0),
    retried: updates.filter((update) => update.attempts > 1).length,
    refused: tally(failures.flatMap(({ status }) => (status === undefined ? [] : [String(status)]))),
    broken: tally(failures.flatMap(({ status, reason }) => (status === undefined ? [reason] : []))),
    repeated: updates.filter((update) => update.reached > 1).length,
    conflicts: journal.conflicts,
    outOfOrder: outOfOrder(updates),
    latency: latency(updates.flatMap(delay)),
    longestGapMs: first === undefined ? 0 : longestGap(arrivals, { from: first.sentAt, to: end }),
    windows: Object.fromEntries(
      windows.map(({ name, ranges }) => [name, windowReport(journal, arrivals, ranges)]),
    ),
  };
}

function windowReport(
  { updates, failures }: Journal,
  arrivals: readonly number[],
  ranges: readonly TimeRange[],
): WindowReport {
  const inside = (at: number): boolean => ranges.some(({ from, to }) => at >= from && at < to);
  const sent = updates.filter(({ sentAt }) => inside(sentAt));
  return {
    seconds: ranges.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0) / 1000,
    sent: sent.length,
    delivered: sent.filter(({ deliveredAt }) => deliveredAt !== undefined).length,
    retried: sent.filter(({ attempts }) => attempts > 1).length,
    failed: failures.filter(({ at }) => inside(at)).length,
    latency: latency(sent.flatMap(delay)),
    longestGapMs: Math.max(0, ...ranges.map((range) => longestGap(arrivals, range))),
  };
}

function arrivalsOf(updates: readonly NumberedUpdate[]): number[] {
  return updates.flatMap(({ deliveredAt }) => deliveredAt ?? []).sort((a, b) => a - b);
}

function delay({ sentAt, deliveredAt }: NumberedUpdate): number[] {
  return deliveredAt === undefined ? [] : [deliveredAt - sentAt];
}

/** The longest time in a range without an arrival; arrivals are sorted. */
function longestGap(arrivals: readonly number[], { from, to }: TimeRange): number {
  let longest = 0;
  let last = from;
  for (const at of arrivals) {
    if (at <= from) continue;
    if (at >= to) break;
    longest = Math.max(longest, at - last);
    last = at;
  }
  return Math.max(longest, to - last, 0);
}

/** Updates come in the order in which they were sent; each must arrive after those of its chat before it. */
function outOfOrder(updates: readonly NumberedUpdate[]): number {
  const latest = new Map<number, number>();
  let wrong = 0;
  for (const { chat, deliveredAt } of updates) {
    if (deliveredAt === undefined) continue;
    const before = latest.get(chat) ?? 0;
    if (deliveredAt < before) wrong++;
    latest.set(chat, Math.max(before, deliveredAt));
  }
  return wrong;
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
