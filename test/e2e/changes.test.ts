import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { Garden } from "./support/garden.ts";

describe("a change of a bot", () => {
  let garden: Garden;
  beforeAll(async () => {
    garden = await new Garden().planted();
  });

  const helloContainer = async () => (await garden.containers()).find((name) => name.startsWith("hello-"));

  test("a new database password changes the role and the container in one run", async () => {
    const before = await helloContainer();
    await garden.up("--replace", "**::hello-database-password");
    const after = await helloContainer();
    expect(after).not.toBe(before);
    expect(await garden.ask("hello", "new password", 5008)).toMatch(/message/);
  });

  test("new source is built on the host and released without losing an update", async () => {
    const before = await helloContainer();
    const flood = await garden.telegram.flood({ bot: "hello", rate: 20, count: 200, chats: 4 });
    const source = join(garden.project, "bots/hello/hello/__init__.py");
    const text = readFileSync(source, "utf8");
    writeFileSync(source, `${text}\n# changed\n`);
    await garden.up();
    // Back to what it was: the next `up` releases it.
    writeFileSync(source, text);
    expect(await helloContainer()).not.toBe(before);
    const report = await garden.telegram.floodReport({ id: flood, waitMs: 60_000 });
    expect(report).toMatchObject({ done: true, sent: 200, delivered: 200, dropped: 0 });
  });

  test("what was stopped by hand runs again after the next up, though nothing changed", async () => {
    await garden.up();
    const container = await helloContainer();
    await garden.onHost(`docker stop botgarden-postgres botgarden-edge ${container}`);
    const { output } = await garden.up();
    expect(output).toContain("starting again what does not run on the host");
    expect(output).not.toMatch(/\d+ (?:created|updated|replaced|deleted)/);
    expect(await helloContainer()).toBe(container);
    await eventually(async () => expect(await garden.ask("hello", "back again", 5012)).toMatch(/message/));
  });

  test("a release that failed for a reason outside of the bot passes when it is run again", async () => {
    const file = join(garden.project, "bots/hello.ts");
    const text = readFileSync(file, "utf8");
    const before = await helloContainer();
    const impatient = 'path: "/health", startPeriod: "30 seconds", interval: "1 second", retries: 1';
    writeFileSync(file, text.replace(/path: "\/health"/, impatient));
    await garden.onHost("docker pause botgarden-postgres");
    const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(code).not.toBe(0);
    expect(output).toMatch(/the new release of bot hello failed its gate/);
    await garden.onHost("docker unpause botgarden-postgres");
    await garden.up();
    expect(await garden.ask("hello", "well again", 5011)).toMatch(/message/);
    expect((await garden.containers()).filter((name) => name.startsWith("hello-"))).not.toContain(before);
    writeFileSync(file, text);
    await garden.up();
  });

  test("a release that never becomes healthy fails with its log, and the old one goes on", async () => {
    const file = join(garden.project, "bots/hello.ts");
    const text = readFileSync(file, "utf8");
    const before = await helloContainer();
    writeFileSync(
      file,
      text.replace(
        /path: "\/health"/,
        'path: "/nowhere", startPeriod: "2 seconds", interval: "1 second", retries: 1',
      ),
    );
    expect(readFileSync(file, "utf8")).not.toBe(text);
    for (const attempt of ["first", "blind second"]) {
      const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
      expect(code, attempt).not.toBe(0);
      expect(output).toMatch(/the new release of bot hello failed its gate/);
      expect(output).toMatch(/the last 50 lines of its log/);
      expect(await garden.ask("hello", `after the ${attempt}`, 5009)).toMatch(/message/);
    }
    writeFileSync(file, text);
    await garden.up();
    const containers = await garden.containers();
    expect(containers.filter((name) => name.startsWith("hello-"))).toHaveLength(1);
    expect(containers).not.toContain(before);
  });
});
