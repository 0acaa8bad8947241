/** `npm run bench`: measurements, each on a fresh sandbox of its own. */
import { UserError } from "./user-error.ts";

type Bench = (args: string[]) => Promise<number>;

const log = (line: string): void => console.error(line);

/** A benchmark without options. */
const plain =
  (bench: (log: (line: string) => void) => Promise<void>): Bench =>
  async (args) => {
    if (args.length > 0) throw new UserError(`"${args.join(" ")}" is not known\n${usage}`);
    await bench(log);
    return 0;
  };

const benches: Record<string, () => Promise<Bench>> = {
  times: async () => plain((await import("../bench/times.ts")).benchTimes),
  edge: async () => plain((await import("../bench/edge.ts")).benchEdge),
  routes: async () => plain((await import("../bench/routes.ts")).benchRoutes),
  releases: async () => (await import("../bench/releases.ts")).run,
};

const usage = `usage: npm run bench [-- edge | routes | releases]

  (nothing)  how long pulumi takes, and what the core costs
  edge       the edge's requests per second, latency and processor time, beside other edges'
  routes     the edge with 10, 100 and 1,000 routes: time of a change, reloads under load, memory
  releases   what a release loses and how long it takes, beside other ways to release`;

export async function run(args: string[]): Promise<number> {
  const [name = "times", ...more] = args;
  const load = benches[name];
  if (load === undefined) throw new UserError(`there is no benchmark "${name}"\n${usage}`);
  const bench = await load();
  return bench(more);
}
