import { beforeAll, describe, expect, test } from "vitest";
import { Garden } from "./support/garden.ts";

describe("pulumi destroy", () => {
  let garden: Garden;
  beforeAll(async () => {
    garden = await new Garden().planted();
  });

  test("leaves no container, network, route, rule or webhook; the data stays and the next up finds it", async () => {
    const chat = 5006;
    await garden.ask("hello", "remember me", chat);
    const { code, output } = await garden.pulumi("destroy", "--yes", "--skip-preview");
    expect(code, output).toBe(0);
    expect(await garden.containers()).toEqual([]);
    expect(await garden.onHost("docker network ls --filter type=custom -q")).toBe("");
    expect(await garden.onHost("ls -A /etc/botgarden /opt/botgarden 2>/dev/null || true")).toBe("");
    expect(await garden.onHost("iptables -S | grep -i botgarden || true")).toBe("");
    expect((await garden.onHost("docker volume ls -q")).split("\n")).toContain("botgarden-postgres");
    const [hello] = (await garden.telegram.bots()).filter(({ name }) => name === "hello");
    expect(hello?.webhook).toBe("");

    await garden.up();
    expect(await garden.ask("hello", "still?", chat)).toMatch(/2 messages/);
  });
});
