import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nameRelease, type RecorderOptions } from "../../../sandbox/bench/releases/recorder.ts";
import { eventually } from "../support/eventually.ts";
import { counts, expectNoneRefused, outcomeOf, recordedLoad } from "../support/recorded-load.ts";
import { ReleasesGarden } from "../support/releases.ts";

const RATE = 45;

describe("a bot that is slow is replaced", () => {
  let garden: ReleasesGarden;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
  });
  afterAll(() => garden.planted());

  /** Releases a bot that behaves in some way, and then a standard one under load. Gives how the first one's container ended. */
  async function replace(options: RecorderOptions) {
    await garden.plant("released", options);
    await garden.up();
    const old = await garden.serving("released");
    // Docker keeps the last 256 events only, which health checks fill within a minute.
    const ended = garden.onHost(`docker wait ${old.id}`);
    // What fails before is told before.
    ended.catch(() => undefined);
    let name = "";
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      await load.during("before", () => load.flow(100));
      name = `after-${load.run}`;
      await garden.plant("released", { release: name });
      await load.during("release", () => garden.up());
      await load.flow(30);
    });
    expectNoneRefused(outcomes);
    await garden.expectInOrder(name);
    return { outcomes, exitCode: (await ended).trim() };
  }

  test("it takes 20 seconds to stop: it is waited for, and nothing is refused or lost", async () => {
    const { outcomes, exitCode } = await replace({ environment: { STOP_SECONDS: "20" } });
    expect(exitCode).toBe("0");
    console.log(`a bot that took 20 s to stop:\n${counts(outcomes)}`);
  });

  test("it ignores SIGTERM: it is killed after its grace, and nothing is refused or lost", async () => {
    const { outcomes, exitCode } = await replace({
      environment: { IGNORE_SIGTERM: "1" },
      settings: { stopGrace: '"3 seconds"' },
    });
    expect(exitCode).toBe("137");
    console.log(`a bot that ignored SIGTERM:\n${counts(outcomes)}`);
  });

  test("it answers after 25 seconds: what it began it finishes", async () => {
    const { outcomes, exitCode } = await replace({
      // Every three seconds one, each in another chat: some are always under way.
      environment: { ANSWER_SECONDS: "25", ANSWER_EVERY: "41" },
      // Its grace alone would not be enough.
      settings: { stopGrace: '"3 seconds"' },
    });
    expect(exitCode).toBe("0");
    const { report, record } = outcomeOf(outcomes, "released");
    // There were such answers, and each was given once.
    expect(report.latency.max).toBeGreaterThan(25_000);
    expect(record.rows).toBe(record.distinct);
    console.log(`a bot that answered after 25 s:\n${counts(outcomes)}`);
  });

  test("another release of it is under way: the second one waits for its end, and is alone then", async () => {
    const lock = "/run/lock/botgarden-release-released.lock";
    // As another operator's run holds it, whose backend knows nothing of this one's.
    await garden.onHost(
      `setsid flock ${lock} sh -c 'while [ ! -e /run/let-go ]; do sleep 0.1; done' >/dev/null 2>&1 </dev/null &
       until ! flock --nonblock ${lock} true; do sleep 0.1; done`,
    );
    const before = await garden.containersOf("released");
    const name = `second-${Date.now()}`;
    nameRelease(garden.project, "released", name);
    const second = garden.pulumi("up", "--yes", "--skip-preview");
    try {
      // Its container is there, and was not started.
      await eventually(async () => {
        const [added, ...others] = await garden.containersOf("released");
        expect(others).toEqual(before);
        expect(added?.state).toBe("created");
        await garden.onHost(`pgrep -f 'flock --timeout [0-9]+ 9'`);
      });
    } finally {
      await garden.onHost("touch /run/let-go");
    }
    const { code, output } = await second;
    await garden.onHost("rm /run/let-go");
    expect(code, output).toBe(0);
    expect(output).toContain("bot released: another release is under way; waiting for its end");
    await garden.expectInOrder(name);
  });
});
