/** The comparison as a table: a line per question, a column per contender. */
import { table } from "../../cli/table.ts";
import { latency } from "../../telegram/stats.ts";
import type { Result } from "./load.ts";

/**
 * A release of ours may take so many times as long as one by compose, until the new container answers: that is what
 * compose does. Our command goes on for the seconds in which it watches the new release, and lets the old one finish.
 */
export const slowest = 1.5;

type Row = [what: string, cell: (result: Result) => string];

const rows: readonly Row[] = [
  ["seconds until the new release answers, median", ({ serving }) => latency(serving).p50.toFixed(1)],
  ["  the longest", ({ serving }) => latency(serving).max.toFixed(1)],
  ["seconds until the command ends, median", ({ seconds }) => latency(seconds).p50.toFixed(1)],
  ["  the longest", ({ seconds }) => latency(seconds).max.toFixed(1)],
  ["updates sent", ({ report }) => String(report.sent)],
  ["  lost", ({ report, record }) => String(report.sent - record.distinct)],
  [
    "  refused or cut off (POSTs)",
    ({ report }) => String(failures(report.refused) + failures(report.broken)),
  ],
  ["  came late, by a retry", ({ report }) => String(report.retried)],
  ["  recorded twice", ({ record }) => String(record.rows - record.distinct)],
  ["  out of order", ({ record }) => String(record.disorder)],
  ["longest time without an update, s", ({ report }) => seconds(report.windows.during?.longestGapMs)],
  ["longest wait of an update, s", ({ report }) => seconds(report.latency.max)],
  ["p50 before / during, ms", (result) => pair(result, "p50")],
  ["p99 before / during, ms", (result) => pair(result, "p99")],
];

export function resultTable(results: readonly Result[]): string[] {
  const heading = ["", ...results.map(({ name }) => name)];
  return table([heading, ...rows.map(([what, cell]) => [what, ...results.map(cell)])]);
}

/** What the webhook answered instead of 200, and how connections broke. */
export function failureLines(results: readonly Result[]): string[] {
  return results.flatMap(({ name, report: { refused, broken }, faults }) => [
    ...Object.entries({ ...refused, ...broken }).map(([reason, count]) => `${name}: ${count} × ${reason}`),
    ...faults.map((fault) => `${name}: ${fault}`),
  ]);
}

/** What keeps our result from being good; empty when it is. */
export function verdict(ours: Result, compose: Result | undefined): string[] {
  const wrong = [...ours.faults];
  const failed = failures(ours.report.refused) + failures(ours.report.broken);
  if (failed > 0) wrong.push(`${failed} POSTs were refused or cut off`);
  const [mine, theirs] = [latency(ours.serving).p50, latency(compose?.serving ?? []).p50];
  if (compose !== undefined && mine > slowest * theirs)
    wrong.push(`a release takes ${(mine / theirs).toFixed(1)} times as long as by compose`);
  return wrong;
}

function failures(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function seconds(milliseconds = 0): string {
  return (milliseconds / 1000).toFixed(2);
}

function pair({ report: { windows } }: Result, key: "p50" | "p99"): string {
  return [windows.before, windows.during].map((window) => (window?.latency[key] ?? 0).toFixed(0)).join(" / ");
}
