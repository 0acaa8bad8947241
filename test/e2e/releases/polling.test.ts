import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PollingRecord, readPollingRecord } from "../../../sandbox/bench/releases/recorder.ts";
import { counts, outcomeOf, recordedLoad, timeoutOf, times } from "../support/recorded-load.ts";
import { ReleasesGarden } from "../support/releases.ts";

/** BOTGARDEN_POLLING_RELEASES=20 is the whole proof. */
const RELEASES = times("BOTGARDEN_POLLING_RELEASES", 5);

const bot = "poller";
const load = { bots: [bot], polling: [bot], rate: 20 };

describe("a bot that polls and keeps its data in SQLite", () => {
  let garden: ReleasesGarden;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
    await garden.plant(bot, { polling: true });
    await garden.up();
  });
  afterAll(async () => {
    await garden.planted();
    await garden.onHost(`docker volume rm botgarden-${bot}-data`);
  });

  const record = (run = 0): Promise<PollingRecord> => readPollingRecord(garden.state.host, run, bot);

  /** Never two at once, and a file that is whole. */
  async function expectOneAtATime(run: number): Promise<void> {
    expect(await record(run)).toMatchObject({ integrity: "ok", conflicts: 0, secondWriters: [] });
  }

  test(`${RELEASES} releases: never two pollers or writers, and no update is lost`, {
    timeout: timeoutOf(RELEASES),
  }, async () => {
    const { starts } = await record();
    let run = 0;
    let names: string[] = [];
    const outcomes = await recordedLoad(garden, load, async (updates) => {
      run = updates.run;
      names = Array.from({ length: RELEASES }, (_, index) => `poll-${run}-${index + 1}`);
      for (const name of names) {
        await garden.release(bot, name);
        await updates.flow(10);
      }
    });
    const { report, record: written } = outcomeOf(outcomes, bot);
    expect(report.conflicts).toBe(0);
    expect(Object.keys(written.releases)).toEqual(expect.arrayContaining(names));
    await expectOneAtATime(run);
    // Each container began once: no release was started a second time.
    expect((await record()).starts).toBe(starts + RELEASES);
    expect((await garden.containersOf(bot)).map(({ state }) => state)).toEqual(["running"]);
    console.log(`${RELEASES} releases of a polling bot, no answer 409:\n${counts(outcomes)}`);
  });

  test.for([
    ["exits at once", "exit", /failed its gate: it exited/],
    ["is never healthy", "unhealthy", /failed its gate: (its health check fails|it was not healthy within)/],
  ] as const)(
    "a release that %s: the one before runs again with its old settings",
    async ([, fail, reason]) => {
      const before = await garden.serving(bot);
      let run = 0;
      const outcomes = await recordedLoad(garden, load, async (updates) => {
        run = updates.run;
        await garden.plant(bot, {
          polling: true,
          environment: { FAIL: fail },
          settings: {
            health:
              '{ command: ["python", "-m", "recorder.alive"], interval: "1 second", timeout: "5 seconds", retries: 1, startPeriod: "2 seconds" }',
          },
        });
        for (const attempt of ["the first run", "a blind second run"]) {
          const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
          expect(code, `${attempt}:\n${output}`).not.toBe(0);
          expect(output).toMatch(/\bpoller\b/);
          expect(output).toMatch(reason);
          const running = (await garden.containersOf(bot)).filter(({ state }) => state !== "exited");
          expect(running, attempt).toEqual([before]);
          await updates.flow(10);
        }
      });
      const { report } = outcomeOf(outcomes, bot);
      expect(report.conflicts).toBe(0);
      await expectOneAtATime(run);
      console.log(`two runs of a release that fails:\n${counts(outcomes)}`);

      await garden.plant(bot, { polling: true, release: `good-after-${fail}-${run}` });
      await garden.up();
      expect((await garden.containersOf(bot)).map(({ state }) => state)).toEqual(["running"]);
    },
  );
});
