/** Bots that are held on purpose: Telegram keeps their updates. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restartHost } from "../../../sandbox/vps/changes.ts";
import { eventually } from "../support/eventually.ts";
import { https } from "../support/https.ts";
import { operate } from "../support/operations.ts";
import { changesOf } from "../support/plan.ts";
import { counts, type Load, outcomeOf, recordedLoad } from "../support/recorded-load.ts";
import { ReleasesGarden } from "../support/releases.ts";
import { expectNothingRefused } from "../support/under-load.ts";

const bot = "released";

describe("a pause", () => {
  let garden: ReleasesGarden;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
  });
  afterAll(async () => {
    for (const name of [bot, "poller"]) await operate(garden, "resume", name);
    await garden.planted();
  });

  const delivered = async (load: Load, name: string) => {
    const { bots } = await garden.telegram.numberedReport({ id: load.run });
    return bots.find((each) => each.bot === name)?.delivered ?? 0;
  };
  /** What the edge answers to somebody with the right secret. */
  const presented = async (name: string) => {
    const { environment } = await garden.serving(name);
    const secret =
      environment.find((line) => line.startsWith("WEBHOOK_SECRET="))?.replace(/^[^=]+=/, "") ?? "";
    const headers = { "x-telegram-bot-api-secret-token": secret };
    const ask = { address: garden.state.host.address, path: `/webhook/${name}`, method: "POST", headers };
    return (await https({ ...ask, body: "{}" })).status;
  };
  const expectHeld = async (name: string) => {
    const { code, output } = await operate(garden, "status");
    expect(output).toMatch(new RegExp(`^${name} .* paused `, "m"));
    expect(output).toContain(`${name} is paused. To end it: npm run resume -- ${name}`);
    expect(output).not.toMatch(new RegExp(`^  ${name}: `, "m"));
    expect(code, output).toBe(0);
  };

  test("holds a bot's updates over releases and up, and none is lost; the other bots notice nothing", async () => {
    const held = `held-${Date.now()}`;
    const outcomes = await recordedLoad(garden, { rate: 30 }, async (load) => {
      await load.flow(20);
      const { code, output } = await load.during("paused", async () => {
        const paused = await operate(garden, "pause", bot);
        await eventually(async () => expect(await presented(bot)).toBe(503));
        // nginx's former workers may use a kept connection once more.
        await eventually(async () =>
          expect(await garden.onHost("docker top botgarden-edge -eo pid,args")).not.toContain(
            "shutting down",
          ),
        );
        const before = await delivered(load, bot);
        const others = await delivered(load, "left");
        await expectHeld(bot);

        const former = await garden.serving(bot);
        await garden.release(bot, held);
        expect((await garden.serving(bot)).name).not.toBe(former.name);
        expect(await presented(bot)).toBe(503);
        await garden.up();
        expect(await operate(garden, "pause", bot)).toMatchObject({ code: 0 });

        expect(await delivered(load, bot)).toBe(before);
        expect(await delivered(load, "left")).toBeGreaterThan(others);
        await expectHeld(bot);
        return paused;
      });
      expect(output).toContain(`${bot} is paused: the edge answers with 503`);
      expect(code).toBe(0);
      expect(await operate(garden, "resume", bot)).toMatchObject({ code: 0 });
      const status = await operate(garden, "status");
      expect(status.code, status.output).toBe(0);
      expect(status.output).not.toContain("paused");
    });
    for (const name of ["left", "right"]) expectNothingRefused(outcomeOf(outcomes, name).report, name);
    const { report, record } = outcomeOf(outcomes, bot);
    expect(Object.keys(report.refused)).toEqual(["503"]);
    expectNothingRefused({ ...report, refused: {} }, bot);
    expect(record.releases[held]).toBeGreaterThan(0);
    console.log(`a pause with a release in it:\n${counts(outcomes)}`);
  });

  test("stops a bot that polls, over releases, up, a restart of Docker and a reboot, and none is lost", async () => {
    const name = "poller";
    await garden.plant(name, { polling: true });
    await garden.up();
    const states = async () => (await garden.containersOf(name)).map(({ state }) => state);
    const othersRun = () =>
      eventually(async () => {
        expect((await garden.serving("left")).state).toBe("running");
        await expectHeld(name);
      });
    const outcomes = await recordedLoad(garden, { bots: [name], polling: [name], rate: 10 }, async (load) => {
      await load.flow(20);
      const { code, output } = await operate(garden, "pause", name);
      expect(output).toContain("its container is stopped");
      expect(code).toBe(0);
      expect(await states()).toEqual(["exited"]);
      const former = await garden.serving(name);
      await expectHeld(name);

      await garden.plant(name, { polling: true, release: `held-${load.run}` });
      await garden.up();
      const held = await garden.serving(name);
      expect(held.name).not.toBe(former.name);
      // Trying it would let it ask for updates.
      expect(await states()).toEqual(["created"]);
      const status = await operate(garden, "status");
      expect(status.output).toMatch(new RegExp(`^${name} +${held.name} .* held .* paused `, "m"));
      const before = await delivered(load, name);
      await garden.onHost("systemctl restart docker");
      await othersRun();
      expect(await states()).toEqual(["created"]);
      await restartHost(garden.state.host);
      await othersRun();
      expect(await states()).toEqual(["created"]);
      await garden.up();
      // Nor does a container that never ran show as a change.
      await garden.pulumi("refresh", "--yes", "--skip-preview");
      expect(await changesOf(garden)).toEqual([]);
      expect(await garden.serving(name)).toEqual(held);
      expect(await delivered(load, name)).toBe(before);

      expect(await operate(garden, "resume", name)).toMatchObject({ code: 0 });
      expect(await states()).toEqual(["running"]);
      await load.flow(20);

      expect(await operate(garden, "pause", name)).toMatchObject({ code: 0 });
      await garden.plant(name, { polling: true, environment: { FAIL: "exit" } });
      await garden.up();
      const failed = await operate(garden, "resume", name);
      expect(failed.output).toMatch(
        new RegExp(`${name} is no longer paused, but ${name}-\\S+ does not stay up: .*\\n.*npm run rollback`),
      );
      expect(failed.code).toBe(1);
      await garden.plant(name, { polling: true });
      await garden.up();
      expect(await states()).toEqual(["running"]);
      await load.flow(20);
    });
    expect(outcomeOf(outcomes, name).report).toMatchObject({ conflicts: 0 });
    console.log(`a pause of a bot that polls:\n${counts(outcomes)}`);
  });

  test("stays when the gate of the present release is gone through again, and what was started by hand is stopped", async () => {
    const name = "poller";
    /** A limit that an `up` gives to the present container: only the gate is gone through again. */
    const limited = async (processes: number, ...args: string[]) => {
      await garden.plant(name, { polling: true, settings: { processes: `${processes}` } });
      await garden.up(...args);
      const limit = await garden.onHost(
        `docker inspect -f '{{.HostConfig.PidsLimit}}' ${(await garden.serving(name)).name}`,
      );
      expect(Number(limit)).toBe(processes);
    };
    const started = (container: string) =>
      garden.onHost(`docker inspect -f '{{.State.StartedAt}}' ${container}`);
    await limited(200);
    const { name: container, id } = await garden.serving(name);
    const first = await started(container);
    expect(await operate(garden, "pause", name)).toMatchObject({ code: 0 });

    await limited(201);
    await limited(202, "--refresh");
    expect(await garden.containersOf(name)).toMatchObject([{ id, state: "exited" }]);
    expect(await started(container)).toBe(first);
    await expectHeld(name);

    await garden.onHost(`docker start ${container}`);
    await limited(203);
    expect(await garden.containersOf(name)).toMatchObject([{ id, state: "exited" }]);
    await expectHeld(name);

    expect(await operate(garden, "resume", name)).toMatchObject({ code: 0 });
    expect(await garden.containersOf(name)).toMatchObject([{ id, state: "running" }]);
    await limited(204);
    expect(await garden.containersOf(name)).toMatchObject([{ id, state: "running" }]);
  });

  test("ends with the bot: one that is removed and comes back is not paused", async () => {
    expect(await operate(garden, "pause", "poller")).toMatchObject({ code: 0 });
    await garden.planted();
    expect(await garden.containersOf("poller")).toEqual([]);
    const refused = await operate(garden, "pause", "poller");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.output).toMatch(/there is no bot poller in the garden.*There are: left released right/);
    await garden.plant("poller", { polling: true });
    await garden.up();
    expect((await garden.containersOf("poller")).map(({ state }) => state)).toEqual(["running"]);
    const marks = await garden.onHost("ls /etc/botgarden/edge/paused 2>/dev/null || true");
    expect(marks).toBe("");
  });
});
