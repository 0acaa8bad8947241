/** records.sh with a real Docker engine: what a host remembers of a bot's releases, and what it lets go. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { docker, dockerLines } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { type Ended, runProgram } from "../support/processes.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const root = sharedFolder();
const script = join(root, "bot-records");
// Docker's names are shared with whatever else runs here.
const bot = `records-${process.pid}`;
const other = `${bot}-other`;
const folder = join(root, "releases", bot);
const edgeCalls = join(root, "edge.calls");

beforeAll(async () => {
  await ensureDocker({ log: () => {} });
  const text = readFileSync(new URL("../../../components/bot/records.sh", import.meta.url), "utf8");
  writeFileSync(script, text.replaceAll("/var/lib/botgarden/releases", join(root, "releases")), {
    mode: 0o755,
  });
  writeFileSync(join(root, "edge"), `#!/bin/sh\necho "$*" >>'${edgeCalls}'\n`, { mode: 0o755 });
}, 120_000);

afterEach(async () => {
  const containers = await dockerLines(["ps", "-aq", "--filter", `label=records-test=${bot}`]);
  if (containers.length > 0) await docker(["rm", "--force", ...containers]);
  for (const one of [bot, other]) expect((await records("forget", one)).code).toBe(0);
});
afterAll(async () => {
  for (const id of await images()) await docker(["image", "rm", "--force", id]);
});

const records = (...args: string[]): Promise<Ended> => runProgram(script, args);
const keep = async (container: string) =>
  records("keep", bot, await docker(["inspect", "-f", "{{.Image}}", container]));
const add = (container: string, reference = "build", one = bot) =>
  runProgram(script, ["add", one, container], {
    input: JSON.stringify({ reference, route: { files: {}, secret: "s" } }),
  });

/** Ids of the images of these tests that are there, tagged or not. */
const images = async () => [
  ...new Set(await dockerLines(["image", "ls", "-q", "--no-trunc", "--filter", `label=records-test=${bot}`])),
];
const tags = async (repository: string) =>
  (await dockerLines(["image", "ls", "--format", "{{.Tag}}", repository])).toSorted();

/** A new image, built as the garden builds, and a container of it that was never started. */
async function build(number: number, tag = `botgarden/${bot}:latest`): Promise<string> {
  const context = join(root, `context-${number}`);
  mkdirSync(context, { recursive: true });
  writeFileSync(
    join(context, "Dockerfile"),
    `FROM scratch\nLABEL records-test=${bot} number=${number}\nCMD ["x"]\n`,
  );
  await docker(["build", "--quiet", "--tag", tag, context]);
  return create(tag, number);
}

async function create(image: string, number: number): Promise<string> {
  const name = `${bot}-${number}`;
  await docker(["create", "--name", name, "--label", `records-test=${bot}`, image]);
  return name;
}

/** What Pulumi does last of all. */
const removed = (number: number) => docker(["rm", `${bot}-${number}`]);

describe("good releases", () => {
  test("are counted, and the last one serves", async () => {
    expect(await records("serving", bot)).toMatchObject({ code: 0, stdout: "" });
    for (const number of [1, 2]) {
      const container = await build(number);
      expect((await keep(container)).code).toBe(0);
      expect(await add(container, `build ${number}`)).toMatchObject({ code: 0, stderr: "" });
    }
    expect((await records("serving", bot)).stdout).toBe(`${bot}-2\n`);
    const second: Record<string, unknown> = JSON.parse(readFileSync(join(folder, "2.json"), "utf8"));
    expect(second).toEqual({
      release: 2,
      container: `${bot}-2`,
      image: await docker(["inspect", "-f", "{{.Image}}", `${bot}-2`]).then((text) => text.trim()),
      reference: "build 2",
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
    });
    // The route holds the webhook's secret.
    expect(statSync(join(folder, "route.json")).mode & 0o777).toBe(0o600);
    expect(JSON.parse((await records("route", bot)).stdout)).toEqual({ files: {}, secret: "s" });
  });

  test("are not counted again when the same container is looked at once more", async () => {
    const container = await build(1);
    for (const _ of ["first", "again"]) await add(container);
    expect(await tags(`botgarden/${bot}`)).toEqual(["latest", "release-1"]);
    expect(existsSync(join(folder, "2.json"))).toBe(false);
  });
});

describe("images", () => {
  test("of the last five good releases stay, older ones go", async () => {
    for (let number = 1; number <= 7; number += 1) {
      const container = await build(number);
      await keep(container);
      await add(container);
      if (number > 1) await removed(number - 1);
    }
    expect(await tags(`botgarden/${bot}`)).toEqual([
      "latest",
      "release-3",
      "release-4",
      "release-5",
      "release-6",
      "release-7",
    ]);
    expect(await images()).toHaveLength(5);
  });

  test("of releases that failed go at the next good one", async () => {
    await add(await build(1));
    const failed = await build(2);
    await keep(failed);
    await docker(["rm", failed]);
    const good = await build(3);
    await keep(good);
    expect(await images()).toHaveLength(3);
    await add(good);
    expect(await images()).toHaveLength(2);
  });

  test("that another bot runs, or may go back to, stay", async () => {
    const shared = await build(1);
    await keep(shared);
    await add(shared);
    await add(await create(`botgarden/${bot}:release-1`, 100), "build", other);
    await removed(100);
    for (let number = 2; number <= 7; number += 1) {
      await add(await build(number));
      await removed(number - 1);
    }
    expect(await tags(`botgarden/${other}`)).toEqual(["release-1"]);
  });

  test("go with the bot, but those that a container uses", async () => {
    await add(await build(1));
    await add(await build(2));
    await removed(1);
    expect((await records("forget", bot)).code).toBe(0);
    expect(existsSync(folder)).toBe(false);
    expect(await images()).toHaveLength(1);
    await removed(2);
  });
});

test("a bot that never had a good release leaves no route, no pause and no migration", async () => {
  await keep(await build(1));
  await removed(1);
  await docker(["create", "--name", `botgarden-before-deploy-${bot}`, `botgarden/${bot}:latest`]);
  writeFileSync(edgeCalls, "");
  expect((await records("forget", bot)).code).toBe(0);
  expect(readFileSync(edgeCalls, "utf8")).toBe(`withdraw ${bot}\n`);
  expect(await images()).toEqual([]);
});

test("a wrong call is told how it is meant", async () => {
  for (const args of [["add"], ["add", "../etc"], ["delete", bot]]) {
    expect(await records(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining("usage:") });
  }
});
