import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { NumberedBotReport } from "../../../sandbox/telegram/numbered-api.ts";
import { type Behaviour, type EdgeBot, EdgeGarden } from "../support/edge-bots.ts";
import { eventually } from "../support/eventually.ts";
import { type Hammer, type HammerOrder, hammer, type Outcomes } from "../support/hammer.ts";
import { exchange, post } from "../support/raw-request.ts";
import { expectNothingRefused } from "../support/under-load.ts";

/** As many connections as Telegram opens by default. */
const CONNECTIONS = 40;
/** Larger than what the edge keeps in memory, smaller than what it refuses. */
const LARGE = "x".repeat(900_000);

describe("a bot that does not work harms only itself", () => {
  let garden: EdgeGarden;
  let steady: EdgeBot;
  let broken: EdgeBot;
  let load: Hammer | undefined;
  const rows: string[] = [];

  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    [steady, broken] = [await garden.bot("steady"), await garden.bot("broken")];
    row("none is broken", await healthyFlood(), {});
  });
  afterEach(() => load?.stop());
  afterAll(async () => {
    await broken.behave("answer");
    console.log(["the steady bot while another", ...rows].join("\n  "));
  });

  /** The steady bot's updates, of which the edge may refuse none. */
  async function healthyFlood(): Promise<NumberedBotReport> {
    const id = await garden.telegram.numbered({ bots: ["steady"], rate: 200, chats: 40, seconds: 1.5 });
    const { done, bots } = await garden.telegram.numberedReport({ id, waitMs: 60_000 });
    const [report] = bots;
    if (report === undefined) throw new Error("no updates were sent");
    expect(done).toBe(true);
    expect(report).toMatchObject({ sent: 300, delivered: 300, dropped: 0, pending: 0 });
    expectNothingRefused(report, "steady");
    return report;
  }

  /** The answer to one update. */
  async function once({ path, secret }: Pick<EdgeBot, "path" | "secret">): Promise<readonly number[]> {
    const bytes = post({ path, secret });
    return (await exchange({ address: garden.address, bytes })).statuses;
  }

  function row(what: string, { latency }: NumberedBotReport, outcomes: Outcomes): void {
    const [p50, p99, max] = [latency.p50, latency.p99, latency.max].map((time) => `${time.toFixed(1)} ms`);
    const said = Object.entries(outcomes).map(([outcome, times]) => `${times} × ${outcome}`);
    rows.push(
      `${what}: p50 ${p50}, p99 ${p99}, max ${max}; the other's answers: ${said.join(", ") || "none"}`,
    );
  }

  /** The broken bot really has to bear the load of every connection. */
  const borne = async () => expect((await broken.record()).count).toBeGreaterThanOrEqual(CONNECTIONS);

  /**
   * Loads the broken bot while the steady one is flooded, and gives what its callers got: at least one answer, if
   * there are answers.
   *
   * @param loaded what must have come to be before the load ends
   */
  async function beside(
    what: string,
    answers: boolean,
    order: Partial<HammerOrder> = {},
    loaded: () => Promise<void> = async () => {},
  ): Promise<Outcomes> {
    const { address } = garden;
    load = hammer({ address, path: broken.path, secret: broken.secret, connections: CONNECTIONS, ...order });
    const { outcomes } = load;
    const report = await healthyFlood();
    if (answers) await eventually(async () => expect(Object.keys(outcomes)).not.toEqual([]));
    await eventually(loaded);
    load.stop();
    row(what, report, outcomes);
    return outcomes;
  }

  test.each<[string, Behaviour]>([
    ["hangs", "hang"],
    ["never reads", "unread"],
    ["is slow", "slow"],
    ["answers 500", "fail"],
    ["closes each connection", "reset"],
  ])("it %s", async (what, behaviour) => {
    await broken.behave(behaviour);
    await broken.forget();
    const outcomes = await beside(what, behaviour !== "hang" && behaviour !== "unread", {}, borne);
    const told = Object.keys(outcomes);
    if (behaviour === "fail") expect(told).toEqual(["500"]);
    if (behaviour === "slow") expect(told).toEqual(["200"]);
    if (behaviour === "reset") {
      expect(told).toEqual(["503"]);
      expect(load?.retryAfter()).toMatch(/^\d+$/);
    }
  });

  test("it never reads, and its updates are large", async () => {
    await broken.behave("unread");
    await steady.forget();
    const healthy = hammer({
      address: garden.address,
      path: steady.path,
      secret: steady.secret,
      connections: 5,
      body: LARGE,
    });
    await beside("never reads large updates", false, { body: LARGE });
    // Another bot's large updates are none the worse for it.
    await eventually(async () => expect(healthy.outcomes["200"]).toBeGreaterThan(10));
    healthy.stop();
    expect(Object.keys(healthy.outcomes)).toEqual(["200"]);
    const state =
      "docker inspect -f '{{.State.OOMKilled}} {{.RestartCount}} {{.State.Health.Status}}' botgarden-edge";
    expect((await garden.onHost(state)).trim()).toBe("false 0 healthy");
    await broken.behave("answer");
  });

  test("its container is stopped: 503 with Retry-After, and the edge can be changed and restarted", async () => {
    await garden.onHost(`docker stop --time 1 ${broken.container}`);
    try {
      const outcomes = await beside("is stopped", true);
      expect(Object.keys(outcomes)).toEqual(["503"]);
      expect(load?.retryAfter()).toMatch(/^\d+$/);
      await garden.onHost("docker kill botgarden-edge && docker start botgarden-edge");
      await eventually(async () => expect(await once(steady)).toEqual([200]));
      expect(await once(broken)).toEqual([503]);
    } finally {
      await garden.onHost(`docker start ${broken.container}`);
      // Its address may be another one.
      broken = await garden.bot("broken");
    }
    await eventually(async () => expect(await once(broken)).toEqual([200]));
  });

  test("its container never was", async () => {
    const ghost = { path: "/webhook/ghost", secret: "a-secret-of-nobody" };
    const route = { bot: "ghost", container: "there-is-no-such-container", secret: ghost.secret };
    await garden.onHost("/opt/botgarden/bin/edge route ghost", await garden.routeLike(broken, route));
    // Workers from before the reload know no such path.
    await eventually(async () => expect(await once(ghost)).toEqual([503]));
    try {
      const outcomes = await beside("has a name that nobody has", true, ghost);
      expect(Object.keys(outcomes)).toEqual(["503"]);
    } finally {
      await garden.onHost("/opt/botgarden/bin/edge unroute ghost");
    }
  });
});
