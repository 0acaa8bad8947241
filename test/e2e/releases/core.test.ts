import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setToken } from "../../../sandbox/lifecycle/stack.ts";
import { configure } from "../support/certificates.ts";
import { counts, recordedLoad } from "../support/recorded-load.ts";
import { ReleasesGarden } from "../support/releases.ts";

const RATE = 60;

describe("changes of the core and of secrets under load", () => {
  let garden: ReleasesGarden;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
  });
  afterAll(async () => {
    await configure(garden, { "images.nginx": undefined, "postgres.maxConnections": undefined });
    await garden.planted();
    await garden.onHost("docker image rm nginx:1.30");
  });

  const variable = async (name: string) => {
    const { environment } = await garden.serving("released");
    return environment.find((line) => line.startsWith(`${name}=`));
  };

  test("another nginx image: the edge is replaced, and no update is lost", async () => {
    const image = async () =>
      (await garden.onHost("docker inspect -f '{{.Config.Image}} {{.Id}}' botgarden-edge")).trim();
    const before = await image();
    await configure(garden, { "images.nginx": "nginx:1.30" });
    let gap = 0;
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      const watch = watchEdge(garden.state.host.address);
      await load.during("the change", () => garden.up());
      await load.flow(30);
      gap = await watch.longestGapMs();
    });
    const after = await image();
    expect(after).not.toBe(before);
    expect(after).toMatch(/^nginx:1\.30 /);
    console.log(
      `another nginx image: the edge took no connection for ${gap.toFixed(0)} ms:\n${counts(outcomes)}`,
    );
  });

  test("another container of Postgres: the bots connect again, and no update is lost", async () => {
    const look = () => garden.onHost("docker inspect -f '{{.Id}} {{.State.StartedAt}}' botgarden-postgres");
    const before = await look();
    await configure(garden, { "postgres.maxConnections": "61" });
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      await load.during("the change", () => garden.up());
      await load.flow(30);
    });
    expect(await look()).not.toBe(before);
    // It was stopped, not killed: no recovery was needed.
    const log = await garden.onHost("docker logs botgarden-postgres 2>&1");
    expect(log).not.toMatch(/not properly shut down/);
    console.log(`another container of Postgres:\n${counts(outcomes)}`);
  });

  test.for([
    ["token", "BOT_TOKEN"],
    ["database password", "POSTGRES_PASSWORD"],
    ["webhook secret", "WEBHOOK_SECRET"],
  ] as const)("another %s in one up: no update is lost", async ([what, name]) => {
    const before = await variable(name);
    expect(before).toBeDefined();
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      if (what === "token") {
        // @BotFather's new token ends the old one at once; until `up` Telegram keeps the updates.
        await setToken(garden.state, "released", await garden.telegram.renewToken({ bot: "released" }));
      }
      const resource = `**::released-${what.replace(" ", "-")}`;
      await load.during("the change", () =>
        what === "token" ? garden.up() : garden.up("--replace", resource),
      );
      await load.flow(30);
    });
    expect(await variable(name)).not.toBe(before);
    const { report } = outcomes.find(({ bot }) => bot === "released") ?? outcomes[0] ?? expect.fail();
    expect(report.refused).toEqual({});
    console.log(`another ${what}:\n${counts(outcomes)}`);
  });

  test("another database password whose release fails its gate: what serves can log in still, also after a second run", async () => {
    const serving = await garden.serving("released");
    const impatient =
      '{ path: "/health", interval: "1 second", timeout: "2 seconds", retries: 2, startPeriod: "3 seconds" }';
    const settings = { health: impatient };
    await garden.plant("released", { environment: { FAIL: "unhealthy" }, settings });
    for (const replaced of [["--replace", "**::released-database-password"], []]) {
      const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview", ...replaced);
      expect(code, output).not.toBe(0);
      expect(output).toContain("bot released failed its gate");
      expect(await login(serving.name)).toBe("released");
    }
    await garden.plant("released");
    await garden.up();
    const after = await garden.serving("released");
    expect(after.environment.find((line) => line.startsWith("POSTGRES_PASSWORD="))).not.toBe(
      serving.environment.find((line) => line.startsWith("POSTGRES_PASSWORD=")),
    );
    expect(await login(after.name)).toBe("released");
  });

  /** A new connection of a bot's container, with its own password. */
  async function login(container: string): Promise<string> {
    const program = `import os, asyncio, asyncpg
e = os.environ
async def main():
    print(await (await asyncpg.connect(host=e['POSTGRES_HOST'], user=e['POSTGRES_USER'], password=e['POSTGRES_PASSWORD'], database=e['POSTGRES_DB'])).fetchval('select current_user'))
asyncio.run(main())`;
    return (await garden.onHost(`docker exec -i ${container} python -`, program)).trim();
  }
});

/** Opens a TLS connection to the edge again and again, until it is asked for the longest time without one. */
function watchEdge(address: string): { longestGapMs: () => Promise<number> } {
  let stopped = false;
  let longest = 0;
  let last = performance.now();
  const watching = (async () => {
    while (!stopped) {
      if (await greets(address)) {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
      await delay(10);
    }
  })();
  return {
    async longestGapMs() {
      stopped = true;
      await watching;
      return longest;
    },
  };
}

function greets(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 443, servername: "garden.test", rejectUnauthorized: false });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once("secureConnect", () => end(true))
      .once("error", () => end(false))
      .once("close", () => end(false));
    socket.setTimeout(1000, () => end(false));
  });
}
