import { beforeAll, describe, expect, test } from "vitest";
import { EdgeGarden } from "../support/edge-bots.ts";
import { exchange, post } from "../support/raw-request.ts";
import { expectNothingRefused } from "../support/under-load.ts";

describe("a webhook's secret is replaced under load", () => {
  let garden: EdgeGarden;
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
  });

  test("nothing is refused or lost, and the old secret is good for nothing", async () => {
    const { telegram } = garden;
    const before = await garden.bot("steady");
    const id = await telegram.numbered({ bots: ["steady"], rate: 50 });
    await garden.up("--replace", "**::steady-webhook-secret");
    const after = await garden.bot("steady");
    await telegram.numberedStop({ id });
    expect(after.secret).not.toBe(before.secret);

    const report = await telegram.numberedReport({ id, waitMs: 60_000 });
    const [steady] = report.bots;
    expect(report.done).toBe(true);
    // An update that is under way when setWebhook comes is posted again; nobody refused it.
    expectNothingRefused(steady);
    expect(steady).toMatchObject({ dropped: 0, pending: 0 });
    expect(steady?.delivered).toBe(steady?.sent);
    console.log(
      `a new secret under 50 updates/s: ${steady?.sent} updates in ${report.seconds.toFixed(0)} s, ` +
        `none refused or lost; longest gap ${steady?.longestGapMs.toFixed(0)} ms`,
    );

    const send = async (secret: string) =>
      (await exchange({ address: garden.address, bytes: post({ path: after.path, secret }) })).statuses;
    expect(await send(before.secret)).toEqual([403]);
    expect(await send(after.secret)).toEqual([200]);
    // A release knows its own secret only, whichever one Telegram used.
    expect(Object.keys((await after.record()).secrets)).toEqual([after.secret]);
  });
});
