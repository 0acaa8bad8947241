import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  counts,
  expectNoneRefused,
  outcomeOf,
  recordedLoad,
  timeoutOf,
  times,
} from "../../support/recorded-load.ts";
import { ReleasesGarden } from "../../support/releases.ts";
import { type Run, runProgram } from "../../support/run.ts";

/** BOTGARDEN_RELEASES=50 is the whole proof. */
const RELEASES = times("BOTGARDEN_RELEASES", 6);

/** The operator's machine is another one than the host in life: here what it computes waits for what the host does. */
class ModestGarden extends ReleasesGarden {
  override pulumi(...args: string[]): Promise<Run> {
    const { cli } = this.state.toolchain;
    return runProgram("nice", ["-n", "19", cli, "--non-interactive", "--color=never", ...args], {
      cwd: this.project,
      env: this.environment,
    });
  }
}

describe("releases under load", () => {
  let garden: ModestGarden;
  beforeAll(async () => {
    garden = await new ModestGarden().planted();
  });
  afterAll(() => garden.planted());

  /** What is built on the host takes its processors from all bots there; what only has other settings does not. */
  const kinds: readonly { what: string; releases: number; change: (name: string) => Promise<unknown> }[] = [
    {
      what: "that are built on the host",
      releases: RELEASES,
      change: (name) => garden.release("released", name),
    },
    {
      what: "with another environment",
      releases: Math.min(RELEASES, 10),
      change: async (name) => {
        await garden.plant("released", { environment: { RELEASE: name } });
        await garden.up();
      },
    },
  ];

  test.for(kinds)(
    "of one bot, $what, under 200 updates/s for three: none is lost, refused or late in its chat",
    {
      timeout: timeoutOf(RELEASES),
    },
    async ({ what, releases, change }) => {
      const seconds: number[] = [];
      let names: string[] = [];
      const outcomes = await recordedLoad(garden, { rate: 200 }, async (load) => {
        await load.during("before", () => load.flow(600));
        // Pulumi computes on the same processors: what that alone does to the bots is no release's doing.
        for (let run = 0; run < 4; run += 1) await load.during("ups without a change", () => garden.up());
        names = Array.from({ length: releases }, (_, index) => `load-${load.run}-${index + 1}`);
        for (const name of names) {
          const started = performance.now();
          await load.during("releases", () => change(name));
          seconds.push((performance.now() - started) / 1000);
        }
        await load.flow(200);
      });

      expectNoneRefused(outcomes);
      // Each release really took updates, and is gone.
      expect(Object.keys(outcomeOf(outcomes, "released").record.releases)).toEqual(
        expect.arrayContaining(names),
      );
      for (const bot of ["released", "left", "right"]) {
        const [container, ...others] = await garden.containersOf(bot);
        expect(others).toEqual([]);
        expect(container?.state).toBe("running");
        expect(await garden.routed(bot)).toBe(container?.name);
      }
      const mean = seconds.reduce((sum, value) => sum + value, 0) / releases;
      console.log(
        `${releases} releases ${what}, under 200 updates/s, ${mean.toFixed(1)} s each (${Math.min(...seconds).toFixed(1)} to ` +
          `${Math.max(...seconds).toFixed(1)} s), none refused:\n${counts(outcomes)}`,
      );
    },
  );
});
