/** `npm run bench -- routes`: what 10, 100 and 1,000 routes cost the edge, and reloads under load. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { table } from "../cli/table.ts";
import { startBots } from "./bots.ts";
import { secretOf } from "./contender.ts";
import { addRoute, plantRoutes, usual } from "./garden-routes.ts";
import { type LoadResult, load, type Target } from "./load.ts";
import { median } from "./measure.ts";
import { type Box, borrowEdge, edgeContainer, inWorkshop, type Workshop } from "./workshop.ts";

const sizes = [10, 100, 1000] as const;
const most = 1000;
const containers = 10;
const reloads = 20;
const changes = 5;
/** In requests per second. */
const rate = 500;
/** In seconds: longer than the longest time for which the edge keeps an address. */
const settling = 25;

/** The bot whose route is changed, which was there before all others. */
const first = "r0001";
const nameOf = (number: number): string => `r${String(number).padStart(4, "0")}`;

interface Row {
  readonly routes: number;
  readonly change: number;
  readonly test: number;
  readonly reload: number;
  readonly memory: number;
  /** Names that were not resolved in time: at planting, and in the time after. */
  readonly unresolved: readonly [atPlanting: number, afterwards: number];
  readonly load: LoadResult;
}

/** Prints a row for each number of routes. */
export async function benchRoutes(log: (line: string) => void): Promise<void> {
  await inWorkshop("routes", log, async (workshop) => {
    const edge = await borrowEdge(workshop);
    log(`starting ${containers} bots with ${most} names`);
    const namesOf = (bot: number) =>
      Array.from({ length: most / containers }, (_, index) => nameOf(index * containers + bot));
    await startBots(workshop, { prefix: "bench", count: containers, aliases: namesOf });
    await addRoute(workshop, first, { container: first, rateLimit: usual });
    const rows: Row[] = [];
    try {
      for (const size of sizes) rows.push(await measureSize(workshop, edge, size));
    } finally {
      // Also those before a size at which the edge gave up.
      print(rows);
    }
  });
}

async function measureSize(workshop: Workshop, edge: Box, routes: number): Promise<Row> {
  const { log } = workshop;
  log(`${routes} routes: planting them`);
  const bots = Array.from({ length: routes }, (_, index) => nameOf(index + 1));
  const before = await unresolved(workshop);
  await plantRoutes(
    workshop,
    bots.filter((bot) => bot !== first),
    first,
  );
  await delay(settling * 1000);
  const planted = await unresolved(workshop);
  await delay(settling * 1000);
  const memory = edge.group.memoryBytes();
  log(`${routes} routes: changing one`);
  const times: number[] = [];
  for (let change = 0; change < changes; change += 1) {
    const started = performance.now();
    await turn(workshop, change);
    times.push(performance.now() - started);
  }
  const { test, reload } = await timeReloads(workshop);
  log(`${routes} routes: ${reloads} reloads under load`);
  const loaded = await reloadUnderLoad(workshop, edge, bots, median(times));
  const unresolvedThen: Row["unresolved"] = [planted - before, (await unresolved(workshop)) - planted];
  return { routes, change: median(times), test, reload, memory, unresolved: unresolvedThen, load: loaded };
}

/** Points the first bot's route at another of its container's names, as a release does. */
async function turn(workshop: Workshop, number: number): Promise<void> {
  await addRoute(workshop, first, { container: number % 2 === 0 ? "bench-1" : first, rateLimit: usual });
}

async function timeReloads({ engine }: Workshop): Promise<{ test: number; reload: number }> {
  const input = readFileSync(join(import.meta.dirname, "time-reload.sh"), "utf8");
  const times: number[][] = [];
  for (let count = 0; count < changes; count += 1) {
    const answer = await engine.docker(["exec", "--interactive", edgeContainer, "sh"], { input });
    times.push(answer.split(" ").map(Number));
    await delay(500);
  }
  const [test = Number.NaN, reload = Number.NaN] = [0, 1].map((column) =>
    median(times.map((pair) => pair[column] ?? Number.NaN)),
  );
  return { test, reload };
}

async function reloadUnderLoad(
  workshop: Workshop,
  edge: Box,
  bots: readonly string[],
  changeMs: number,
): Promise<LoadResult> {
  const targets = bots.map((bot): Target => {
    const address = { address: edge.address, port: 443, path: `/webhook/${bot}` };
    return { tls: true, ...address, name: workshop.state.domain, secret: secretOf(first) };
  });
  // A pause after each, so that a reload meets workers that are settled.
  const pause = 500;
  const seconds = Math.ceil((reloads * (changeMs * 1.5 + pause)) / 1000) + 5;
  const options = { connections: 40, mode: "kept", seconds, rate, targets } as const;
  const { result } = await load(workshop, options, async () => {
    for (let count = 0; count < reloads; count += 1) {
      await turn(workshop, count);
      await delay(pause);
    }
  });
  return result;
}

/** How many names nginx could not resolve so far. */
async function unresolved({ engine }: Workshop): Promise<number> {
  const script = `docker logs ${edgeContainer} 2>&1 >/dev/null | grep -c 'could not be resolved' || true`;
  return Number(await engine.run(["sh", "-c", script]));
}

function print(rows: readonly Row[]): void {
  const heading = [
    "routes",
    "a change ms",
    "nginx -t",
    "reload",
    "memory MB",
    "names unresolved at first",
    "later",
  ];
  const under = [`requests in ${reloads} reloads`, "failed", "p50 ms", "p99.9", "longest"];
  const lines = rows.map(
    ({ routes, change, test, reload, memory, unresolved: [atFirst, later], load: result }) => {
      const failed = result.refused + result.broken + result.unopened;
      return [
        ...[String(routes), change.toFixed(0), test.toFixed(0), reload.toFixed(0), (memory / 1e6).toFixed(1)],
        ...[String(atFirst), String(later), String(result.good + failed), String(failed)],
        ...[result.p50.toFixed(1), result.p999.toFixed(1), result.max.toFixed(1)],
      ];
    },
  );
  console.log("");
  for (const line of table([[...heading, ...under], ...lines])) console.log(line);
}
