/** Bots that are held on purpose: Telegram keeps their updates. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restartHost } from "../../../sandbox/vps/changes.ts";
import { eventually } from "../support/eventually.ts";
import { https } from "../support/https.ts";
import { operate } from "../support/operations.ts";
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
    for (const name of ["left", "right"]) {
      const { report } = outcomeOf(outcomes, name);
      expectNothingRefused(report);
      expect(report.retried).toBe(0);
    }
    const { report, record } = outcomeOf(outcomes, bot);
    expect(Object.keys(report.refused)).toEqual(["503"]);
    expect(report.broken).toEqual({});
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

      // What ran before such a release did not run.
      await garden.plant(name, { polling: true, environment: { FAIL: "exit" } });
      const failed = await garden.pulumi("up", "--yes", "--skip-preview");
      expect(failed.output).toContain("failed its gate: it exited");
      expect((await garden.serving(name)).name).toBe(former.name);
      expect(await states()).toEqual(["exited", "exited"]);
      const status = await operate(garden, "status");
      expect(status.output).toMatch(new RegExp(`^${name} +${former.name} .* held .* paused `, "m"));

      await garden.plant(name, { polling: true, release: `held-${load.run}` });
      await garden.up();
      const held = await garden.serving(name);
      expect(held.name).not.toBe(former.name);
      expect(await states()).toEqual(["exited"]);
      const before = await delivered(load, name);
      await garden.onHost("systemctl restart docker");
      await othersRun();
      expect(await states()).toEqual(["exited"]);
      await restartHost(garden.state.host);
      await othersRun();
      expect(await states()).toEqual(["exited"]);
      await garden.up();
      expect(await garden.serving(name)).toEqual(held);
      expect(await delivered(load, name)).toBe(before);

      expect(await operate(garden, "resume", name)).toMatchObject({ code: 0 });
      expect(await states()).toEqual(["running"]);
      await load.flow(20);
    });
    expect(outcomeOf(outcomes, name).report).toMatchObject({ conflicts: 0 });
    console.log(`a pause of a bot that polls:\n${counts(outcomes)}`);
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
