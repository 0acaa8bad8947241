/** The way back to an earlier release, and what it leaves alone. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { beginOperation, operate, operateUntil } from "../support/operations.ts";
import { counts, expectNoneRefused, outcomeOf, recordedLoad } from "../support/recorded-load.ts";
import { type BotContainer, ReleasesGarden } from "../support/releases.ts";

const bot = "released";
const key = `botgarden:pins.${bot}`;
const endPin = `pulumi config rm --path '${key}' && pulumi up`;

describe("a rollback", () => {
  let garden: ReleasesGarden;
  let good: BotContainer;
  let bad: BotContainer;
  beforeAll(async () => {
    garden = await new ReleasesGarden().planted();
    await garden.release(bot, `good-${Date.now()}`);
    good = await garden.serving(bot);
    await garden.release(bot, `bad-${Date.now()}`);
    bad = await garden.serving(bot);
  });
  afterAll(async () => {
    await garden.pulumi("config", "rm", "botgarden:pins");
    await garden.planted();
  });

  const file = (name: string) => join(garden.project, `bots/${name}.ts`);
  const stackFile = () => join(garden.project, "Pulumi.sandbox.yaml");
  const pin = async () => {
    const { code, output } = await garden.pulumi("config", "get", "--path", key);
    return code === 0 ? output.trim() : undefined;
  };
  const containers = async () => {
    const all = await Promise.all([bot, "left", "right"].map((name) => garden.containersOf(name)));
    return all.flat();
  };

  test("what else nobody deployed yet does not ride along: it is named, and nothing is touched", async () => {
    const text = readFileSync(file("left"), "utf8");
    const before = await containers();
    writeFileSync(file("left"), text.replace("webhook:", 'memory: "300 MB",\n  webhook:'));
    try {
      const { code, output } = await operate(garden, "rollback", bot);
      expect(output).toMatch(/^ {2}\S+ left \(docker:index\/container:Container\)$/m);
      expect(output).toContain(`npm run rollback -- ${bot} --with-other-changes`);
      expect(code).toBe(1);
    } finally {
      writeFileSync(file("left"), text);
    }
    expect(await containers()).toEqual(before);
    expect(await pin()).toBeUndefined();
  });

  test("what goes along and lacks a secret of its build is refused in one message, before anything is touched", async () => {
    const before = await containers();
    const settings = readFileSync(stackFile(), "utf8");
    const secrets = '{ npm: { env: "E2E_NOBODYS_TOKEN" } }';
    await garden.plant("left", {
      settings: { image: `{ build: "./left", target: "webhook", secrets: ${secrets} }` },
    });
    try {
      const { code, output } = await operate(garden, "rollback", bot, "--with-other-changes");
      expect(output.match(/^ +error: .*/gm), output).toEqual([
        expect.stringMatching(
          /bots\/left\.ts: image\.secrets\.npm\.env: names an environment variable that is not set, got "E2E_NOBODYS_TOKEN"/,
        ),
      ]);
      expect(output).not.toMatch(/^\s+at /m);
      expect(output).toMatch(/released did not go back: pulumi up failed.* the pin was taken back/);
      expect(code).toBe(1);
    } finally {
      await garden.plant("left");
    }
    expect(await containers()).toEqual(before);
    expect(readFileSync(stackFile(), "utf8")).toBe(settings);
  });

  test("that is interrupted while the pin is written: it is taken back, and nothing is touched", async () => {
    const before = await containers();
    const settings = readFileSync(stackFile(), "utf8");
    const { code, output } = await operateUntil(garden, `${bot} goes back to the image`, "rollback", bot);
    expect(output).toContain(`${bot} did not go back, and nothing was changed: it was interrupted`);
    expect(code, output).toBe(1);
    expect(readFileSync(stackFile(), "utf8")).toBe(settings);
    expect(await containers()).toEqual(before);
  });

  describe("that is interrupted while the preview is asked for", () => {
    let folder: string;
    let text: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "botgarden-e2e-"));
      text = readFileSync(file("left"), "utf8");
      // The preview is under way when the one file is there, and goes on when the other is.
      const [begun, go] = ["begun", "go"].map((name) => JSON.stringify(join(folder, name)));
      const lines = [
        'import { existsSync, writeFileSync } from "node:fs";',
        `writeFileSync(${begun}, "");`,
        `while (!existsSync(${go})) await new Promise((resolve) => setTimeout(resolve, 50));`,
      ];
      writeFileSync(file("left"), `${lines.join("\n")}\n${text}`);
    });
    afterAll(() => {
      writeFileSync(file("left"), text);
      rmSync(folder, { recursive: true });
    });

    test.each([
      ["by Ctrl-C, which reaches pulumi too", (pid: number) => process.kill(-pid, "SIGINT")],
      [
        "by a signal that reaches it alone",
        (pid: number) => {
          process.kill(pid, "SIGTERM");
          writeFileSync(join(folder, "go"), "");
        },
      ],
    ])("%s: the pin is taken back, and nothing is touched", async (_, interrupt) => {
      rmSync(join(folder, "begun"), { force: true });
      const before = await containers();
      const settings = readFileSync(stackFile(), "utf8");
      const { pid, run } = beginOperation(garden, "rollback", bot);
      await eventually(async () => expect(existsSync(join(folder, "begun"))).toBe(true));
      expect(await pin()).toBe(good.image);
      interrupt(pid);
      const { code, output } = await run;
      expect(output).toContain(`${bot} did not go back, and nothing was changed: it was interrupted`);
      expect(code, output).toBe(1);
      expect(readFileSync(stackFile(), "utf8")).toBe(settings);
      expect(await containers()).toEqual(before);
    });
  });

  test("puts the previous image back while updates come, and none is lost", async () => {
    const left = await garden.serving("left");
    let seconds = 0;
    const outcomes = await recordedLoad(garden, { rate: 100 }, async (load) => {
      await load.flow(50);
      const started = performance.now();
      const { code, output } = await load.during("rollback", () => operate(garden, "rollback", bot));
      seconds = (performance.now() - started) / 1000;
      expect(output, output).toContain(`${bot} runs the image of release`);
      expect(code).toBe(0);
      expect(output).toContain(endPin);
      await load.flow(50);
    });
    expectNoneRefused(outcomes);
    const { releases } = outcomeOf(outcomes, bot).record;
    expect(Object.keys(releases).some((name) => name.startsWith("bad-"))).toBe(true);
    expect(Object.keys(releases).some((name) => name.startsWith("good-"))).toBe(true);
    expect(await garden.serving(bot)).toMatchObject({ image: good.image, state: "running" });
    expect(await garden.containersOf(bot)).toHaveLength(1);
    expect(await garden.containersOf("left")).toEqual([left]);
    expect(await pin()).toBe(good.image);
    console.log(`a rollback of ${seconds.toFixed(1)} s under 100 updates/s:\n${counts(outcomes)}`);
  });

  test("the next preview and the next up tell of it, and leave it", async () => {
    const before = await containers();
    for (const command of [
      ["preview", "--expect-no-changes"],
      ["up", "--yes", "--skip-preview"],
    ]) {
      const { code, output } = await garden.pulumi(...command);
      expect(code, output).toBe(0);
      expect(output).toContain(`${bot} is pinned to ${good.image.slice(0, 19)}, while bots/${bot}.ts says`);
      expect(output).toContain(endPin);
    }
    expect(await containers()).toEqual(before);
    expect((await operate(garden, "status")).output).toContain(
      `${bot} is pinned to ${good.image.slice(0, 19)}`,
    );
  });

  test("the releases are listed, and what cannot be had is refused without touching anything", async () => {
    const before = await containers();
    const list = await operate(garden, "rollback", bot, "--list");
    expect(list.code).toBe(0);
    const rows = list.output.split("\n").filter((line) => /^ +\d/.test(line));
    expect(rows[0]).toMatch(
      new RegExp(`^ +\\d+ .* ${good.image.slice(0, 19)} +rollback +${bot}-\\w+ +serves$`),
    );
    expect(rows[1]).toMatch(new RegExp(`^ +\\d+ .* ${bad.image.slice(0, 19)} +build +${bad.name}$`));

    const all = await operate(garden, "rollback");
    for (const name of [bot, "left", "right", "usage:"]) expect(all.output).toContain(name);
    const nobody = await operate(garden, "rollback", "nobody");
    expect(nobody).toMatchObject({ code: 1 });
    expect(nobody.output).toMatch(/there is no bot nobody .*There are: left, released, right/);
    expect(await operate(garden, "rollback", bot, "4711")).toMatchObject({ code: 1 });
    expect(await operate(garden, "rollback", bot, "x")).toMatchObject({ code: 2 });
    expect(await containers()).toEqual(before);
    expect(await pin()).toBe(good.image);
  });

  test("one whose image fails its gate takes its pin back, and what ran goes on", async () => {
    const text = readFileSync(file(bot), "utf8");
    const present = await garden.serving(bot);
    const numbers = (await operate(garden, "rollback", bot, "--list")).output;
    const number = new RegExp(`^ +(\\d+) .* ${bad.image.slice(0, 19)} `, "m").exec(numbers)?.[1] ?? "";
    // The settings of now may not suit an image of then.
    writeFileSync(file(bot), text.replace("({})", '({"FAIL":"exit"})'));
    try {
      const { code, output } = await operate(garden, "rollback", bot, number, "--with-other-changes");
      expect(output).not.toContain("asking pulumi preview");
      expect(output).toContain(`the new release of bot ${bot} failed its gate`);
      expect(output).toMatch(/released did not go back: pulumi up failed.* the pin was taken back/);
      expect(code).toBe(1);
    } finally {
      writeFileSync(file(bot), text);
    }
    expect(await pin()).toBe(good.image);
    expect(await garden.serving(bot)).toMatchObject({ name: present.name, state: "running" });
    expect(await garden.routed(bot)).toBe(present.name);
    await garden.up();
    expect(await garden.serving(bot)).toMatchObject({ image: good.image, state: "running" });
    expect(await garden.containersOf(bot)).toHaveLength(1);
  });

  test("a pin to an image that is not there, or of a bot that is not there, stops `up` before anything is touched", async () => {
    const before = await containers();
    const lost = `sha256:${"0123456789abcdef".repeat(4)}`;
    await garden.pulumi("config", "set", "--path", key, lost);
    const up = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(up.code).not.toBe(0);
    expect(up.output).toMatch(/released is pinned to the image sha256:0123456789ab, which is not on root@/);
    expect(up.output).toContain(`pulumi config rm --path '${key}'`);

    await garden.pulumi("config", "set", "--path", "botgarden:pins.relaesed", good.image);
    await garden.pulumi("config", "set", "--path", key, good.image);
    const preview = await garden.pulumi("preview");
    expect(preview.code).not.toBe(0);
    expect(preview.output).toMatch(
      /botgarden:pins\.relaesed: pins a bot that is not in bots\/.* Did you mean released\?/,
    );
    await garden.pulumi("config", "rm", "--path", "botgarden:pins.relaesed");
    expect(await containers()).toEqual(before);
  });

  test("without the pin the code counts again", async () => {
    await garden.pulumi("config", "rm", "--path", key);
    expect((await garden.up()).output).not.toContain("is pinned");
    expect(await garden.serving(bot)).toMatchObject({ image: bad.image, state: "running" });
    expect(await garden.containersOf(bot)).toHaveLength(1);
  });
});
