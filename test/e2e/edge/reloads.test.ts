import { beforeAll, describe, expect, test } from "vitest";
import { EdgeGarden } from "../support/edge-bots.ts";
import { expectNothingRefused } from "../support/under-load.ts";

const RELOADS = 20;

describe("changes of the edge under load", () => {
  let garden: EdgeGarden;
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
  });

  /** The process ids of nginx's present workers, on the host. */
  const workers = async () =>
    (
      await garden.onHost(
        "docker top botgarden-edge -eo pid,args | awk '/worker process$/ {print $1}' | sort",
      )
    ).trim();

  test(`${RELOADS} routes come or go, each with a reload, and no update is refused or comes twice`, async () => {
    const other = { bot: "passing", container: "there-is-no-such-container", secret: "a-secret-of-nobody" };
    const route = await garden.routeLike(await garden.bot("broken"), other);
    const before = await workers();
    const id = await garden.telegram.numbered({ bots: ["steady"], rate: 200, chats: 40 });
    // The route's text is on standard input each time it comes.
    const script = `input=$(cat); for change in $(seq ${RELOADS / 2}); do
      printf '%s' "$input" | /opt/botgarden/bin/edge route passing || exit 1
      /opt/botgarden/bin/edge unroute passing || exit 1
    done`;
    const started = performance.now();
    await garden.onHost(script, route);
    const seconds = (performance.now() - started) / 1000;
    await garden.telegram.numberedStop({ id });
    const report = await garden.telegram.numberedReport({ id, waitMs: 60_000 });
    const [steady] = report.bots;
    expect(report.done).toBe(true);
    expectNothingRefused(steady);
    expect(steady).toMatchObject({ dropped: 0, pending: 0, repeated: 0 });
    expect(steady?.delivered).toBe(steady?.sent);
    expect(steady?.sent).toBeGreaterThan(RELOADS);
    expect(await workers()).not.toBe(before);
    const { p50, p99, max } = steady?.latency ?? { p50: 0, p99: 0, max: 0 };
    console.log(
      `${RELOADS} reloads in ${seconds.toFixed(1)} s under 200 updates/s: ${steady?.delivered} updates, ` +
        `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`,
    );
  });
});
