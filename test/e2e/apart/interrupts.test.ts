import { afterAll, describe, test } from "vitest";
import { Garden } from "../support/garden.ts";
import { unlockStack } from "../support/killed-engine.ts";
import { runProgram } from "../support/run.ts";

/** Lines of Pulumi's output at which the run is interrupted, in the order of a first `up`. */
const moments: [signal: "SIGINT" | "SIGKILL", at: RegExp][] = [
  ["SIGKILL", /host-scripts creating/],
  ["SIGINT", /host-ready creating/],
  ["SIGKILL", /Network network creating/],
  ["SIGINT", /network-rules creating/],
  ["SIGKILL", /postgres-configuration creating/],
  ["SIGKILL", /Container (postgres|edge) creating/],
  ["SIGINT", /postgres-settle creating/],
  ["SIGKILL", /certificate-issued creating/],
  ["SIGKILL", /Container hello creating/],
  ["SIGINT", /hello-release creating/],
  ["SIGKILL", /hello-webhook creating/],
  ["SIGKILL", /edge-adopt creating/],
];

describe("an interrupted pulumi up", () => {
  // The first of them finds a host that is still bare.
  const garden = new Garden();
  afterAll(async () => {
    // The engine goes on warning of what it was doing when it was killed, until it is told that all is well.
    await garden.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
  });

  test.for(moments)("by %s at %s: the next up finishes the job", async ([signal, at], { expect }) => {
    const { code: destroyed, output: said } = await garden.pulumi("destroy", "--yes", "--skip-preview");
    expect(destroyed, said).toBe(0);
    const run = await interruptedUp(garden, signal, at);
    expect(run.interrupted, run.output).toBe(true);
    if (signal === "SIGKILL") await unlockStack(garden);
    const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(code, output).toBe(0);
    expect(await garden.ask("hello", `after ${signal}`, 5005)).toMatch(/message/);
    expect((await garden.containers()).map((name) => name.replace(/^hello-.*/, "hello"))).toEqual([
      "botgarden-certbot",
      "botgarden-edge",
      "botgarden-postgres",
      "hello",
    ]);
  });
});

async function interruptedUp(garden: Garden, signal: "SIGINT" | "SIGKILL", at: RegExp) {
  let interrupted = false;
  // A piece of the output may end within a line.
  let heard = "";
  const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--color=never"];
  const run = await runProgram(garden.state.toolchain.cli, args, {
    cwd: garden.project,
    env: garden.environment,
    watch(text, child) {
      heard += text;
      if (interrupted || !at.test(heard)) return;
      interrupted = true;
      child.kill(signal);
    },
  });
  return { ...run, interrupted };
}
