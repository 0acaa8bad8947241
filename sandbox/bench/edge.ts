/** `npm run bench -- edge`: the garden's edge beside the bot alone and other edges, in interleaved rounds. */
import { table } from "../cli/table.ts";
import { startBots } from "./bots.ts";
import type { Contender } from "./contender.ts";
import {
  botsAlone,
  caddyEdge,
  gardenEdge,
  haproxyEdge,
  requirementEdge,
  type Scene,
  shareCertificate,
} from "./contenders.ts";
import { type Line, measure, median, type Sample } from "./measure.ts";
import { inWorkshop, type Workshop } from "./workshop.ts";

const botCount = 10;
const rounds = 3;
const seconds = 2;

const kept = (connections: number, bots: number): Line => ({
  title: `${connections} kept connection${connections === 1 ? "" : "s"}, ${bots === 1 ? "one bot" : `${bots} bots`}`,
  ...{ mode: "kept", connections, bots },
});

const lines: readonly Line[] = [
  kept(1, 1),
  kept(40, 1),
  kept(200, 1),
  { title: "a new connection per request, one bot", mode: "fresh", connections: 20, bots: 1 },
  kept(10, botCount),
  kept(40, botCount),
  kept(200, botCount),
  { title: `a new connection per request, ${botCount} bots`, mode: "fresh", connections: 20, bots: botCount },
];

/** Prints a table for each line. */
export async function benchEdge(log: (line: string) => void): Promise<void> {
  await inWorkshop("edge", log, async (workshop) => {
    const contenders = await setScene(workshop);
    const samples = new Map<string, Sample[]>();
    for (let round = 1; round <= rounds; round += 1) {
      log(`round ${round} of ${rounds}`);
      for (const line of lines) {
        for (const contender of contenders) {
          const key = keyOf(line, contender);
          samples.set(key, [...(samples.get(key) ?? []), await measure(workshop, contender, line, seconds)]);
        }
      }
    }
    const of = (line: Line, contender: Contender) => samples.get(keyOf(line, contender)) ?? [];
    for (const line of lines) printLine(line, contenders, (contender) => of(line, contender));
    console.log(
      `\nmedians of ${rounds} rounds of ${seconds} s, which differ from machine to machine; "to ours" does not`,
    );
    console.log(
      "bots: the requests that the bots counted; CPU: the edge's control group; one processor for the edge",
    );
  });
}

const keyOf = (line: Line, contender: Contender): string => `${line.title}/${contender.name}`;

async function setScene(workshop: Workshop): Promise<Contender[]> {
  const { log } = workshop;
  log("starting bots and edges");
  const names = Array.from({ length: botCount }, (_, index) => `bench-${index + 1}`);
  const bots = await startBots(workshop, { prefix: "bench", count: botCount });
  const scene: Scene = { workshop, names, bots };
  await shareCertificate(workshop);
  const contenders: Contender[] = [];
  for (const make of [gardenEdge, botsAlone, requirementEdge, caddyEdge, haproxyEdge])
    contenders.push(await make(scene));
  return contenders;
}

function printLine(
  line: Line,
  contenders: readonly Contender[],
  samplesOf: (contender: Contender) => readonly Sample[],
): void {
  const middle = (contender: Contender, key: keyof Sample) =>
    median(samplesOf(contender).map((sample) => sample[key]));
  const [ours] = contenders;
  const rows = contenders.map((contender) => {
    const value = (key: keyof Sample, digits: number) => middle(contender, key).toFixed(digits);
    const ratio =
      ours === undefined ? Number.NaN : middle(contender, "cpuPerRequest") / middle(ours, "cpuPerRequest");
    const failed = samplesOf(contender).reduce((total, sample) => total + sample.failed, 0);
    return [
      ...[contender.name, value("cpuPerRequest", 1), ratio.toFixed(2), value("requestsPerSecond", 0)],
      ...[value("p50", 2), value("p99", 2), value("p999", 2), String(failed)],
    ];
  });
  const heading = ["", "CPU µs per request", "to ours", "requests/s", "p50 ms", "p99", "p99.9", "failed"];
  console.log(`\n${line.title}`);
  for (const text of table([heading, ...rows])) console.log(text);
}
