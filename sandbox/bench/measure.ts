/** Measures contenders line by line, in rounds, so that whatever else the machine does meets all of them alike. */
import { setTimeout as delay } from "node:timers/promises";
import { countRequests } from "./bots.ts";
import type { Contender } from "./contender.ts";
import { type Connections, load } from "./load.ts";
import type { Workshop } from "./workshop.ts";

/** One way of loading an edge. */
export interface Line {
  readonly title: string;
  readonly mode: Connections;
  readonly connections: number;
  /** How many bots get the updates. */
  readonly bots: number;
}

/** One contender's measurement on one line. */
export interface Sample {
  readonly requestsPerSecond: number;
  /** In microseconds: the contender's processor time over the requests that the bots counted. */
  readonly cpuPerRequest: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Requests that were not answered with 200. */
  readonly failed: number;
}

/** Loads one contender for `seconds` and measures within them. */
export async function measure(
  workshop: Workshop,
  contender: Contender,
  line: Line,
  seconds: number,
): Promise<Sample> {
  const targets = Array.from({ length: line.bots }, (_, bot) => contender.target(bot));
  const bots = contender.bots.slice(0, line.bots);
  const options = { connections: line.connections, mode: line.mode, seconds, rate: 0, targets };
  const { result, sampled } = await load(workshop, options, async () => {
    const first = await read(workshop, contender, bots);
    await delay(seconds * 1000 - 400);
    const last = await read(workshop, contender, bots);
    return {
      // The second reading counts itself.
      requests: last.requests - first.requests - bots.length,
      cpu: last.cpu - first.cpu,
      seconds: (last.at - first.at) / 1000,
    };
  });
  return {
    requestsPerSecond: sampled.requests / sampled.seconds,
    cpuPerRequest: sampled.cpu / sampled.requests,
    ...{ p50: result.p50, p99: result.p99, p999: result.p999 },
    failed: result.refused + result.broken + result.unopened,
  };
}

async function read(workshop: Workshop, contender: Contender, bots: Contender["bots"]) {
  const cpu = () => contender.boxes.reduce((total, box) => total + box.group.cpuMicroseconds(), 0);
  const [before, began] = [cpu(), performance.now()];
  const requests = await countRequests(workshop, bots);
  // The count is of some moment in between.
  return { requests, cpu: (before + cpu()) / 2, at: (began + performance.now()) / 2 };
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
