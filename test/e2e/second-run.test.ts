import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { copyProject } from "../../sandbox/lifecycle/copy.ts";
import { restartHost } from "../../sandbox/vps/changes.ts";
import { eventually } from "./support/eventually.ts";
import { Garden } from "./support/garden.ts";

describe("a second run", () => {
  let garden: Garden;
  beforeAll(async () => {
    garden = await new Garden().planted();
  });

  test("up, preview, refresh and preview again show no change", async () => {
    for (const command of [
      ["up", "--yes", "--expect-no-changes", "--skip-preview"],
      ["preview", "--expect-no-changes"],
      ["refresh", "--yes", "--expect-no-changes", "--skip-preview"],
      ["preview", "--expect-no-changes"],
    ]) {
      const { code, output } = await garden.pulumi(...command);
      expect(code, `pulumi ${command.join(" ")}\n${output}`).toBe(0);
    }
  });

  test("a plan made in another folder shows no change either", async () => {
    const elsewhere = copyProject(`${garden.project}-elsewhere`, garden.project);
    cpSync(join(garden.project, "Pulumi.sandbox.yaml"), join(elsewhere, "Pulumi.sandbox.yaml"));
    const { code, output } = await garden.pulumi("preview", "--expect-no-changes", "--cwd", elsewhere);
    rmSync(elsewhere, { recursive: true });
    expect(code, output).toBe(0);
  });

  test("after a reboot of the host the garden answers, and bots still cannot reach each other", async () => {
    await restartHost(garden.state.host);
    await eventually(async () => expect(await garden.ask("hello", "still there?", 5002)).toMatch(/message/));
    expect(await garden.onHost("iptables -S BOTGARDEN")).toContain("-j DROP");
    const { code, output } = await garden.pulumi("preview", "--expect-no-changes");
    expect(code, output).toBe(0);
  });

  test("after a restart of Docker the network's rules are there", async () => {
    await garden.onHost("iptables -F BOTGARDEN && systemctl restart docker");
    await eventually(async () => expect(await garden.onHost("iptables -S BOTGARDEN")).toContain("-j DROP"));
    await eventually(async () => expect(await garden.ask("hello", "and now?", 5002)).toMatch(/message/));
  });
});
