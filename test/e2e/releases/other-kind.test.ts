import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { counts, outcomeOf, recordedLoad } from "../support/recorded-load.ts";
import { ReleasesGarden } from "../support/releases.ts";

const bot = "released";
/** A bot's database is not part of the change. */
const polling = { polling: true, settings: { database: "true" } };

describe("a bot that changes from a webhook to polling", () => {
  let garden: ReleasesGarden;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
  });
  afterAll(async () => {
    await garden.planted();
    await garden.onHost(`docker volume rm botgarden-${bot}-data`);
  });

  const webhook = async () =>
    (await garden.telegram.bots()).find(({ name }) => name === bot)?.webhook ?? "no such bot";

  test("and fails at it has its route still, and its webhook again as soon as its code has one; none is lost", async () => {
    const url = await webhook();
    const serving = await garden.serving(bot);
    const outcomes = await recordedLoad(garden, { bots: [bot], rate: 20 }, async (load) => {
      await load.flow(20);
      await garden.plant(bot, { ...polling, environment: { FAIL: "exit" } });
      for (const attempt of ["the first run", "a blind second run"]) {
        const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
        expect(code, attempt).not.toBe(0);
        expect(output).toContain(`the new release of bot ${bot} failed its gate`);
        expect(output).toContain("until then Telegram keeps its updates");
        expect(await garden.serving(bot)).toMatchObject({ id: serving.id, state: "running" });
        expect(await garden.routed(bot)).toBe(serving.name);
        expect(await webhook()).toBe("");
      }
      await garden.plant(bot, { release: `webhook-again-${load.run}` });
      await garden.up();
      expect(await webhook()).toBe(url);
      await load.flow(20);
    });
    console.log(`a change of kind that failed:\n${counts(outcomes)}`);
  });

  test("asks for its updates itself from then on, and back again", async () => {
    const url = await webhook();
    await garden.plant(bot, polling);
    await garden.up();
    expect(await webhook()).toBe("");
    expect(await garden.routed(bot)).toBe("");
    expect((await garden.containersOf(bot)).map(({ state }) => state)).toEqual(["running"]);
    const options = { bots: [bot], polling: [bot], rate: 20 };
    const outcomes = await recordedLoad(garden, options, (load) => load.flow(20));
    expect(outcomeOf(outcomes, bot).report.conflicts).toBe(0);
    await garden.plant(bot);
    await garden.up();
    expect(await webhook()).toBe(url);
    await recordedLoad(garden, { bots: [bot], rate: 20 }, (load) => load.flow(20));
  });
});
