import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dockerLines } from "../../../sandbox/engine/docker.ts";
import { checkout, sandboxIdOf } from "../../../sandbox/lifecycle/checkout.ts";
import { Garden } from "../support/garden.ts";
import { runProgram } from "../support/run.ts";

/** As a newcomer would: a clone somewhere else, beside the sandbox of the other tests. */
describe("the demo on a fresh clone", () => {
  let clone: string;
  let id: string;
  const npm = (...args: string[]) => runProgram("npm", ["run", "--silent", ...args], { cwd: clone });

  beforeAll(() => {
    clone = realpathSync(mkdtempSync(join(tmpdir(), "botgarden-clone-")));
    execFileSync("git", ["clone", "--quiet", checkout, clone]);
    // The packages are the same; installing them again would prove npm.
    symlinkSync(join(checkout, "node_modules"), join(clone, "node_modules"));
    id = sandboxIdOf(clone);
  });
  afterAll(async () => {
    await npm("demo", "--", "--down");
    rmSync(clone, { recursive: true, force: true });
  });

  /** Everything of the clone's sandbox that is on this machine. */
  async function traces(): Promise<string[]> {
    const filter = ["--filter", `label=botgarden.sandbox=${id}`];
    const found = await Promise.all([
      dockerLines(["ps", "--all", "--quiet", ...filter]),
      dockerLines(["volume", "ls", "--quiet", ...filter]),
      dockerLines(["network", "ls", "--quiet", ...filter]),
      runProgram("pgrep", ["--full", "--list-full", `sandboxes/${id}|${clone}/sandbox`]).then(({ output }) =>
        output.split("\n").filter((line) => line !== "" && !line.includes("pgrep")),
      ),
    ]);
    return found.flat();
  }

  test("ends with the bot's answer as one line of JSON", async () => {
    const { code, output } = await npm("demo", "--", "--json");
    expect(code, output).toBe(0);
    const last: unknown = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
    expect(last).toEqual({
      ok: true,
      bot: "hello",
      sent: "/start",
      reply: expect.stringMatching(/1 message/),
      webhook: "https://garden.test/webhook/hello",
      seconds: { sandbox: expect.any(Number), up: expect.any(Number), answer: expect.any(Number) },
      engine: { cli: expect.stringMatching(/^3\./), plugins: expect.stringMatching(/^(official|stand-in)$/) },
    });
    // The other sandbox goes on.
    expect(await new Garden().telegram.bots()).not.toEqual([]);
  });

  test("plain pulumi works with the sandbox's environment", async () => {
    const line =
      'eval "$(npm run -s sandbox -- env)" && pulumi preview --expect-no-changes --non-interactive && pulumi stack --show-name';
    const { code, output } = await runProgram("sh", ["-c", line], { cwd: clone });
    expect(code, output).toBe(0);
    expect(output.trimEnd().split("\n").at(-1)).toBe("sandbox");
  });

  test("a person can write to the bot, and look at what runs", async () => {
    expect((await npm("sandbox", "--", "telegram", "send", "hello", "good morning")).output).toMatch(
      /2 messages/,
    );
    expect((await npm("sandbox", "--", "status")).output).toMatch(/botgarden-edge[\s\S]*hello +https:/);
    expect((await npm("sandbox", "--", "ssh", "hostname")).output.trim()).toBe("host");
  });

  test("down removes everything, also of a start that was killed", async () => {
    expect(await traces()).not.toEqual([]);
    expect((await npm("demo", "--", "--down")).code).toBe(0);
    expect(await traces()).toEqual([]);
    expect(existsSync(join(clone, "Pulumi.sandbox.yaml"))).toBe(false);

    await runProgram("npm", ["run", "--silent", "sandbox", "--", "up"], {
      cwd: clone,
      watch(text, child) {
        if (text.includes("starting the bare host")) child.kill("SIGKILL");
      },
    });
    expect((await npm("sandbox", "--", "down")).code).toBe(0);
    expect(await traces()).toEqual([]);
    const masters = await runProgram("pgrep", ["--full", "--list-full", `ssh: ${homedir()}/.ssh/botgarden-`]);
    expect(masters.output).not.toContain(clone);
  });
});
