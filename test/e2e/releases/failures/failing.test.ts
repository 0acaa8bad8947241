import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RecorderOptions } from "../../../../sandbox/bench/releases/recorder.ts";
import { fillDisk, freeDisk } from "../../support/full-disk.ts";
import { counts, recordedLoad } from "../../support/recorded-load.ts";
import { ReleasesGarden } from "../../support/releases.ts";

const RATE = 30;

/** Fails soon, where the standard one is patient with a slow start. */
const impatient =
  '{ path: "/health", interval: "1 second", timeout: "2 seconds", retries: 2, startPeriod: "3 seconds" }';
const watched = '{ path: "/health", startPeriod: "20 seconds", settle: "1 minute" }';
const migration = (timeout: string) =>
  `{ command: ["python", "-m", "recorder.migrate"], timeout: "${timeout}" }`;

/** A release that fails. */
interface Failing extends RecorderOptions {
  readonly way: string;
  /** What the message must say besides the bot's name. */
  readonly says: readonly RegExp[];
  /** How far it comes: nothing is made, a container that never ran, or one that ran. @default one that ran */
  readonly leaves?: "nothing" | "created" | "exited";
  /** More that is changed for it. */
  readonly prepare?: (garden: ReleasesGarden) => unknown;
  readonly restore?: (garden: ReleasesGarden) => unknown;
}

const ways: readonly Failing[] = [
  {
    way: "its image does not exist",
    settings: { image: '"nobody/no-such-bot:1.0"' },
    says: [/nobody\/no-such-bot:1\.0/],
    leaves: "nothing",
  },
  {
    way: "it exits at once",
    environment: { FAIL: "exit" },
    says: [/failed its gate: it exited/, /this release exits at once/],
  },
  {
    way: "it exits after a second, again and again",
    environment: { FAIL: "crash-loop" },
    says: [/failed its gate: it exit/, /this release exits after a second/],
  },
  {
    way: "it is never healthy",
    environment: { FAIL: "unhealthy" },
    settings: { health: impatient },
    says: [/failed its gate: (its health check fails|it was not healthy within)/, /503/],
  },
  {
    way: "it is healthy and dies two seconds after its first update",
    environment: { DIES_AFTER_UPDATE_SECONDS: "2" },
    // The first update may be late on a slow machine; nobody waits for the rest of it.
    settings: { health: watched },
    says: [/failed its gate: it took over, and then it exited/, /this release dies now/],
  },
  {
    way: "it listens on another port",
    environment: { FAIL: "wrong-port" },
    settings: { health: impatient },
    says: [/failed its gate: (its health check fails|it was not healthy within)/, /listening on port 8081/],
  },
  {
    way: "its migration fails",
    environment: { MIGRATION: "fails" },
    settings: { beforeDeploy: migration("1 minute") },
    says: [/this migration fails/],
    leaves: "created",
  },
  {
    way: "its migration hangs",
    environment: { MIGRATION: "hangs" },
    // Long enough for Python to begin on a slow machine.
    settings: { beforeDeploy: migration("15 seconds") },
    says: [/this migration hangs/, /within 15 seconds/],
    leaves: "created",
  },
  {
    way: "the host's disk is full",
    release: "for a full disk",
    says: [/no space left on device/],
    leaves: "nothing",
    prepare: fillDisk,
    restore: freeDisk,
  },
  {
    way: "its build fails",
    says: [/the build breaks here/],
    leaves: "nothing",
    prepare: ({ project }) => writeFileSync(join(project, "bots/released/Dockerfile"), brokenDockerfile),
  },
];

const brokenDockerfile = `FROM python:3.13-slim AS webhook
RUN echo "the build breaks here" && false
`;

describe("a release that fails", () => {
  let garden: ReleasesGarden;
  let before: Facts;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
    await garden.release("released", `good-${Date.now()}`);
    before = await factsOf(garden);
  });
  afterAll(() => garden.planted());

  test.for(ways)("because $way: what serves goes on, also after a blind second run", async (failing) => {
    const { way, says, leaves = "exited", prepare, restore } = failing;
    const serving = await garden.serving("released");
    const name = await garden.releaseOf("released");
    const others = (await garden.containersOf("released")).map(({ id }) => id);
    const outcomes = await recordedLoad(garden, { rate: RATE }, async () => {
      await garden.plant("released", failing);
      await prepare?.(garden);
      try {
        let made: string | undefined;
        for (const attempt of ["the first run", "a blind second run"]) {
          const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
          expect(code, `${attempt}:\n${output}`).not.toBe(0);
          for (const text of [/\breleased\b/, ...says]) expect(output, attempt).toMatch(text);
          // A reason, and no stack trace with it.
          expect(output, attempt).not.toMatch(/^\s+at .+\.ts:\d+/m);

          const containers = await garden.containersOf("released");
          expect(containers.find(({ id }) => id === serving.id)).toEqual(serving);
          expect((await garden.serving("released")).id).toBe(serving.id);
          expect(await garden.routed("released")).toBe(serving.name);
          const added = containers.filter(({ id }) => !others.includes(id));
          expect(
            added.map(({ state }) => state),
            attempt,
          ).toEqual(leaves === "nothing" ? [] : [leaves]);
          // The same one as before: a second run makes no other.
          expect(added[0]?.id).toBe(made ?? added[0]?.id);
          made = added[0]?.id;
          if (leaves === "exited") {
            expect(await garden.onHost(`docker logs ${made} 2>&1`)).toMatch(/recorder .+ begins/);
          }
        }
      } finally {
        await restore?.(garden);
      }
    });
    expect(await garden.releaseOf("released")).toBe(name);
    console.log(`${way}:\n${counts(outcomes)}`);
  });

  test("and a good one after all of them works, and leaves nothing over", async () => {
    const name = `good-again-${Date.now()}`;
    const outcomes = await recordedLoad(garden, { rate: RATE }, async (load) => {
      await garden.plant("released", { release: name });
      await garden.up();
      await load.flow(30);
    });
    await garden.expectInOrder(name);
    const after = await factsOf(garden);
    const serving = await garden.serving("released");
    expect(after.images.filter((image) => !before.images.includes(image))).toEqual([serving.image]);
    expect({ ...after, images: [] }).toEqual({ ...before, images: [] });
    console.log(`a good release after ${ways.length} bad ones:\n${counts(outcomes)}`);
  });
});

/** What of a host a failing release may leave behind. */
interface Facts {
  readonly images: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

async function factsOf(garden: ReleasesGarden): Promise<Facts> {
  const lines = async (command: string) =>
    [...new Set((await garden.onHost(command)).trim().split("\n"))].sort();
  return {
    images: await lines("docker image ls --all --quiet --no-trunc"),
    networks: await lines("docker network ls --quiet --no-trunc"),
    volumes: await lines("docker volume ls --quiet"),
  };
}
