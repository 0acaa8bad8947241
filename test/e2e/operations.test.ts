/** The operator's commands on the running garden, as a person calls them. */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../operations/problem.ts";
import type { GardenStatus } from "../../operations/status-of.ts";
import { eventually } from "./support/eventually.ts";
import { Garden } from "./support/garden.ts";

type Status = GardenStatus & { readonly problems: readonly Problem[] };

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs; what it printed so far can be read at any time. */
class Command {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Result>;
  readonly #child;

  constructor(garden: Garden, args: readonly string[], env = garden.environment) {
    const main = join(garden.project, "operations/main.ts");
    const child = spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => resolve({ code: code ?? 255, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }
}

describe("the operator's commands", () => {
  let garden: Garden;
  beforeAll(async () => {
    garden = await new Garden().planted();
    // Errors of earlier tests are still fresh at Telegram; a webhook that is set anew has none.
    if ((await status()).problems.length > 0) await garden.up("--replace", "**::hello-webhook-secret");
    await allWell();
  });

  const run = (...args: string[]) => new Command(garden, args).ended;
  const status = async (): Promise<Status> => JSON.parse((await run("status", "--json")).stdout);
  const allWell = () =>
    eventually(async () => {
      const { problems, bots } = await status();
      expect(problems).toEqual([]);
      // Docker asks only once an interval, and `up` does not wait for that: the gate has asked itself.
      for (const { release } of bots) expect(release?.health).toBe("healthy");
    });
  const release = async () =>
    (await status()).bots.find(({ name }) => name === "hello")?.release?.container ?? "";

  test("the table shows every bot and every part, and all is well", async () => {
    const { code, stdout, stderr } = await run("status");
    expect(stderr).toBe("");
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^bot +release +since +health +restarts +memory +webhook +waiting/);
    expect(stdout).toMatch(
      /^hello +hello-\w+ +\d+ \w+ +healthy +\d+ +\d+ of 256 MB +right +0 +none +[\d.]+ MB +\d+ of \d+$/m,
    );
    for (const part of ["edge", "certificate", "postgres", "disk", "host"]) {
      expect(stdout).toMatch(new RegExp(`^${part} `, "m"));
    }
    expect(lines.at(-2)).toBe("all is well");
    expect(code).toBe(0);
  });

  test("the facts are those of the garden, and no secret is among them", async () => {
    const { stdout, code } = await run("status", "--json");
    expect(code).toBe(0);
    const facts: Status = JSON.parse(stdout);
    const [hello] = facts.bots;
    expect(facts.stacks).toEqual(["sandbox"]);
    expect(hello).toMatchObject({
      name: "hello",
      route: hello?.release?.container,
      paused: false,
      webhook: {
        right: true,
        url: `https://${garden.state.domain}/webhook/hello`,
        pending: 0,
        failure: null,
      },
    });
    expect(hello?.release).toMatchObject({ state: "running", health: "healthy" });
    expect(hello?.release?.image.name).toMatch(/^botgarden\/hello/);
    expect(hello?.release?.memory).toBeGreaterThan(1e6);
    expect(hello?.database?.bytes).toBeGreaterThan(1e6);
    expect(hello?.database?.limit).toBeGreaterThan(0);
    expect(facts.certificate).toMatchObject({ served: "yes" });
    expect(facts.postgres?.maxConnections).toBeGreaterThan(facts.postgres?.connections ?? 1000);

    const environment = await garden.onHost(
      `docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' ${hello?.release?.container}`,
    );
    const secrets = [...environment.matchAll(/^(?:BOT_TOKEN|WEBHOOK_SECRET|POSTGRES_PASSWORD)=(.+)$/gm)];
    expect(secrets).toHaveLength(3);
    for (const [, secret = ""] of secrets) expect(stdout).not.toContain(secret);
  });

  test("a bot that was stopped by hand is told with its waiting updates, and what its log says", async () => {
    const container = await release();
    await garden.onHost(`docker stop ${container}`);
    await garden.telegram.send({ bot: "hello", text: "are you there?", chat: 7001 });
    await eventually(async () => {
      const { code, stdout } = await run("status");
      expect(code).toBe(1);
      expect(stdout).toMatch(/hello: does not run \(exited with code \d+, /);
      expect(stdout).toMatch(/hello: Telegram could not deliver \d+ s ago: .*503.*\(1 update waiting\)/);
      expect(stdout).toMatch(/npm run logs -- hello/);
    });
    const log = await run("logs", "hello", "--lines", "3");
    expect(log.code).toBe(0);
    // A bot that just began may have said less.
    const lines = (log.stdout + log.stderr).trim().split("\n");
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines.join("")).not.toBe("");

    await garden.onHost(`docker start ${container}`);
    await eventually(async () => {
      const [hello] = (await status()).bots;
      expect(hello).toMatchObject({ webhook: { pending: 0 }, release: { health: "healthy" } });
    });
  });

  describe("a webhook that somebody took away", () => {
    let follower: Command | undefined;
    afterAll(() => follower?.interrupt());

    test("is told with what puts it back; a log that is followed survives that release", async () => {
      const before = await release();
      follower = new Command(garden, ["logs", "hello", "-f", "--lines", "1"]);
      const token = await garden.onHost(
        `docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' ${before} | sed -n 's/^BOT_TOKEN=//p'`,
      );
      await fetch(`${garden.state.apiRoot}/bot${token.trim()}/deleteWebhook`);
      const { code, stdout } = await run("status");
      expect(code).toBe(1);
      expect(stdout).toContain(
        `hello: Telegram has no webhook instead of https://${garden.state.domain}/webhook/hello`,
      );
      const advice = /pulumi up (--replace) '(\S+)'/.exec(stdout);
      expect(advice).not.toBeNull();

      await garden.up(...(advice ?? []).slice(1));
      await allWell();
      const after = await release();
      expect(after).not.toBe(before);
      await eventually(async () => expect(follower?.stderr).toContain(`hello is now ${after}`));
      await garden.ask("hello", "who reads this?", 7002);
      await eventually(async () => {
        const text = `${follower?.stdout}${follower?.stderr}`;
        expect(text.match(/Listening on port/g)?.length).toBe(1);
        expect(text).toMatch(/is handled/);
      });
    });

    test("Ctrl-C ends the log in good order and leaves nothing on the host", async () => {
      follower?.interrupt();
      expect(await follower?.ended).toMatchObject({ code: 0 });
      await eventually(async () => {
        const processes = await garden.onHost("ps -eo args");
        expect(processes).not.toMatch(/docker logs|^bash -s/m);
      });
    });
  });

  test("parts of the garden have logs too; what is not there is named with what is", async () => {
    for (const part of ["edge", "postgres"]) {
      const { code, stdout, stderr } = await run("logs", part, "--lines", "2");
      expect(code, part).toBe(0);
      expect(stdout + stderr, part).not.toBe("");
    }
    const unknown = await run("logs", "nobody");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toMatch(/there is no nobody in the garden.*edge.*hello.*postgres/);
  });

  test("nobody could look: 2, and one line that says why", async () => {
    const nope = await run("status", "--stack", "nope");
    expect(nope).toMatchObject({ code: 2, stdout: "" });
    expect(nope.stderr).toMatch(/^botgarden: no stack named 'nope' found\. .*\n$/);

    const env = { ...garden.environment, PATH: dirname(process.execPath) };
    const { code, stderr } = await new Command(garden, ["status"], env).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^botgarden: there is no pulumi on your PATH\. .*\n$/);

    const wrong = await run("status", "--jsn");
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/--jsn/);
  });
});
