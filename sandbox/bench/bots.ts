/** Bots that cost as little as can be and count what they get: an nginx each, which answers 200 and has a counter. */
import { join } from "node:path";
import { type Box, cpus, hostFolder, startBox, type Workshop } from "./workshop.ts";

/** The port and path at which they take updates. */
export const botPort = 8080;
export const botPath = "/webhook";
const counterPort = 8081;

export interface BotsOptions {
  /** Names are this, a hyphen and a number from 1 on. */
  readonly prefix: string;
  readonly count: number;
  /** Default: the processor that is not the edge's. */
  readonly cpu?: string;
  /** More names of bot number 1, 2, … */
  readonly aliases?: (number: number) => readonly string[];
}

/** Starts bots. */
export async function startBots(
  workshop: Workshop,
  { prefix, count, cpu = cpus.rest, aliases = () => [] }: BotsOptions,
): Promise<Box[]> {
  const file = `${hostFolder}/bot.conf`;
  await workshop.engine.copy(join(import.meta.dirname, "bot.conf"), file);
  const bots: Box[] = [];
  for (let number = 1; number <= count; number += 1) {
    const more = aliases(number).flatMap((alias) => ["--network-alias", alias]);
    bots.push(
      await startBox(workshop, {
        ...{ name: `${prefix}-${number}`, image: workshop.nginx, cpu },
        options: ["--volume", `${file}:/etc/nginx/nginx.conf:ro`, ...more],
        command: ["nginx", "-g", "daemon off;"],
      }),
    );
  }
  return bots;
}

/** How many requests the bots have had, their readings here included: one for each bot and call. */
export async function countRequests({ engine }: Workshop, bots: readonly Box[]): Promise<number> {
  const answer = await engine.run([
    "curl",
    "-sS",
    ...bots.map(({ address }) => `http://${address}:${counterPort}/`),
  ]);
  // The numbers' lines: accepts, handled, requests (nginx.org/en/docs/http/ngx_http_stub_status_module.html).
  const counts = [...answer.matchAll(/^ \d+ \d+ (\d+) $/gm)].map(([, count]) => Number(count));
  if (counts.length !== bots.length) throw new Error(`the counters of ${bots.length} bots gave ${answer}`);
  return counts.reduce((total, count) => total + count, 0);
}
