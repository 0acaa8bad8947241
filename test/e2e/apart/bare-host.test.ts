import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections, onHost } from "../../../sandbox/lifecycle/ssh.ts";
import { addUser } from "../../../sandbox/vps/changes.ts";
import { createHost, type Host, removeHost } from "../../../sandbox/vps/host.ts";
import { makeKeyPair } from "../../../sandbox/vps/keys.ts";
import { ensureNetwork } from "../../../sandbox/vps/network.ts";
import { Garden } from "../support/garden.ts";
import { type Stack, separateStack } from "../support/stack.ts";

/** A second host that stays bare, and a stack of its own for it. */
describe("a bare host", () => {
  const garden = new Garden();
  const { id } = garden.state;
  let host: Host;
  let stack: Stack;
  let keys: string;

  beforeAll(async () => {
    host = await createHost({ sandboxId: id, name: "bare", network: await ensureNetwork(id), log: () => {} });
    stack = await separateStack(garden, "bare", host);
    keys = mkdtempSync(join(tmpdir(), "botgarden-keys-"));
  });
  afterAll(async () => {
    await closeConnections(host);
    await removeHost(host);
    await stack.remove();
    rmSync(keys, { recursive: true, force: true });
  });

  test("preview works while it has no Docker, and changes nothing on it", async () => {
    const { code, output } = await stack.pulumi("preview");
    expect(code, output).toBe(0);
    expect(output).toMatch(/\+ \d+ to create/);
    expect(await onHost(host, "command -v docker || ls /opt")).toBe("");
  });

  test("preview works without any network to a host when nothing has been deployed", async () => {
    // TEST-NET-1 (RFC 5737) leads nowhere.
    await stack.set({ host: "root@192.0.2.1" });
    const { code, output } = await stack.pulumi("preview");
    expect(code, output).toBe(0);
  });

  describe("is refused with one clear message, and nothing is deployed", () => {
    test.for<[string, () => Promise<Record<string, string>>, RegExp]>([
      [
        "an unreachable host",
        async () => ({ host: `root@${host.address}:2222` }),
        /cannot be reached over SSH.*Connection refused/,
      ],
      [
        "a refused key",
        async () => ({ identityFile: (await makeKeyPair(join(keys, "stranger"), "stranger")).path }),
        /refuses your SSH key.*authorized_keys/,
      ],
      [
        "a changed host key",
        async () => ({ hostKey: (await makeKeyPair(join(keys, "other-host"), "other")).publicKey }),
        /another host key than the one on record|is not the one that was pinned/,
      ],
      [
        "a login that can neither become root nor use Docker",
        async () => {
          const user = await addUser(host, "deploy");
          await onHost(host, "rm -f /etc/sudoers.d/deploy*; gpasswd -d deploy sudo >/dev/null 2>&1 || true");
          return { host: `${user.user}@${user.address}` };
        },
        /the login deploy .* cannot become root/,
      ],
    ])("%s", async ([, settings, message], { expect }) => {
      await stack.set(await settings());
      const { code, output } = await stack.pulumi("up", "--yes", "--skip-preview");
      expect(code).not.toBe(0);
      expect(output.replaceAll("\n", " ")).toMatch(message);
      expect(output).not.toMatch(/\n\s+at /);
      expect(await stack.resources()).toEqual(["pulumi:pulumi:Stack"]);
    });
  });
});
