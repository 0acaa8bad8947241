import { beforeAll, describe, expect, test } from "vitest";
import { type EdgeBot, EdgeGarden } from "../support/edge-bots.ts";
import { eventually } from "../support/eventually.ts";
import { hammer } from "../support/hammer.ts";

describe("a bot with a limit of 10 updates a second and a burst of 20", () => {
  let garden: EdgeGarden;
  let limited: EdgeBot;
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    limited = await garden.bot("limited");
    await limited.forget();
  });

  test("gets what fits, and the rest is told when to come again", async () => {
    const { address } = garden;
    const started = performance.now();
    const load = hammer({ address, path: limited.path, secret: limited.secret, connections: 50 });
    await eventually(async () => expect(load.retryAfter()).toBeDefined());
    await eventually(async () => expect((await limited.record()).count).toBeGreaterThan(25));
    load.stop();
    expect(Object.keys(load.outcomes).sort()).toEqual(["200", "429"]);
    expect(Number(load.retryAfter())).toBeGreaterThanOrEqual(1);
    // Never more than the burst and the rate allow.
    const { count } = await limited.record();
    const seconds = (performance.now() - started) / 1000;
    expect(count).toBeLessThanOrEqual(1 + 20 + Math.ceil(seconds * 10));
  });

  test("gets everything of Telegram in the end, while another bot notices nothing", async () => {
    const { telegram } = garden;
    for (const bot of ["limited", "steady"]) await telegram.reset({ countsOf: bot });
    const [many, others] = await Promise.all([
      telegram.flood({ bot: "limited", rate: 100, count: 60 }),
      telegram.flood({ bot: "steady", rate: 100, count: 500 }),
    ]);
    const steady = await telegram.floodReport({ id: others, waitMs: 60_000 });
    expect(steady).toMatchObject({ done: true, delivered: 500, dropped: 0, retried: 0 });
    const report = await telegram.floodReport({ id: many, waitMs: 120_000 });
    expect(report).toMatchObject({ done: true, sent: 60, delivered: 60, dropped: 0 });
    const { errors } = await telegram.stats({ bot: "limited" });
    expect(Object.keys(errors)).toEqual(["Wrong response from the webhook: 429 Too Many Requests"]);
  });
});
