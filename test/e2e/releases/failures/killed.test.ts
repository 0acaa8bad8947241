import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nameRelease } from "../../../../sandbox/bench/releases/recorder.ts";
import { restartHost } from "../../../../sandbox/vps/changes.ts";
import { eventually } from "../../support/eventually.ts";
import { beginUp, unlockStack } from "../../support/killed-engine.ts";
import { counts, recordedLoad, timeoutOf, times } from "../../support/recorded-load.ts";
import { ReleasesGarden } from "../../support/releases.ts";
import type { Run } from "../../support/run.ts";

/** BOTGARDEN_KILLS=20 is the whole proof. */
const KILLS = times("BOTGARDEN_KILLS", 5);

const RATE = 60;

describe("whatever is killed during a release, the next up makes all well and no update is lost", () => {
  let garden: ReleasesGarden;
  /** How long an undisturbed release takes, in milliseconds: the moments are taken from it. */
  let whole = 0;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
    const started = performance.now();
    await garden.release("released", `undisturbed-${Date.now()}`);
    whole = performance.now() - started;
  });
  afterAll(async () => {
    // The engine goes on warning of what it was doing when it was killed, until it is told that all is well.
    await garden.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
    await garden.planted();
  });

  /** Releases a bot; what is done at a moment of it may well make it fail. */
  async function disturbedRelease(
    name: string,
    moment: number,
    disturb: (pid: number) => Promise<void>,
  ): Promise<Run & { readonly disturbed: boolean }> {
    nameRelease(garden.project, "released", name);
    const { engine, run } = beginUp(garden);
    await delay(moment);
    const disturbed = engine.exitCode === null;
    if (disturbed) await disturb(engine.pid ?? 0);
    return { ...(await run), disturbed };
  }

  test(`the engine, by SIGKILL at ${KILLS} moments`, { timeout: timeoutOf(2 * KILLS) }, async () => {
    const moments: string[] = [];
    let name = "";
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      while (moments.length < KILLS) {
        name = `killed-${load.run}-${moments.length + 1}`;
        const moment = Math.random() * whole;
        const { disturbed } = await disturbedRelease(name, moment, async (pid) => {
          process.kill(-pid, "SIGKILL");
        });
        // It was over before its moment came: another one.
        if (!disturbed) continue;
        moments.push((moment / 1000).toFixed(1));
        await unlockStack(garden);
        await garden.up();
        await garden.expectInOrder(name);
      }
    });
    const { code, output } = await garden.pulumi("preview", "--expect-no-changes");
    expect(code, output).toBe(0);
    console.log(
      `the engine was killed ${KILLS} times, after ${moments.join(", ")} of ${(whole / 1000).toFixed(1)} s:\n${counts(outcomes)}`,
    );
  });

  /** Kills the first process of a container, behind Docker's back. Another container may be taking its place just now. */
  const killProcessOf = (container: () => Promise<string>) =>
    eventually(async () => {
      await garden.onHost(`kill -9 "$(docker inspect -f '{{.State.Pid}}' ${await container()})"`);
    });

  test.for<[what: string, kill: () => Promise<unknown>]>([
    ["the bot", () => killProcessOf(async () => (await garden.serving("released")).name)],
    ["nginx", () => killProcessOf(async () => "botgarden-edge")],
    ["Postgres", () => killProcessOf(async () => "botgarden-postgres")],
    ["dockerd", () => garden.onHost("systemctl kill --kill-whom=main --signal=KILL docker.service")],
    ["the host, by a reboot", () => restartHost(garden.state.host)],
  ])("%s", async ([what, kill]) => {
    let moment = Math.random() * whole * 0.9;
    let name = "";
    let code: number | undefined;
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      for (let attempt = 1; code === undefined; attempt += 1) {
        name = `killed-${load.run}-${attempt}`;
        const run = await disturbedRelease(name, moment, async () => {
          await kill();
        });
        // It was over before its moment came, as the machine has less to do by now: another one, earlier.
        if (run.disturbed) code = run.code;
        else moment *= 0.7;
      }
      await eventually(async () => {
        await garden.onHost("docker ps");
      });
      await garden.up();
      // Docker may have started one again that was stopped on purpose; until then there is more than one.
      await eventually(() => garden.expectInOrder(name));
    });
    console.log(
      `${what} killed after ${(moment / 1000).toFixed(1)} s of a release, which ${code === 0 ? "passed" : "failed"}:\n${counts(outcomes)}`,
    );
  });
});
