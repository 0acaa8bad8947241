import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker, dockerLines, run, sandboxLabel } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { cacheFolder } from "../../../sandbox/engine/paths.ts";
import { isRunning, readPidFile } from "../../../sandbox/engine/processes.ts";
import { mirrorFiles, startMirror } from "../../../sandbox/images/serve.ts";
import { addUser, restartHost } from "../../../sandbox/vps/changes.ts";
import { createHost, ensureHostImage, type Host } from "../../../sandbox/vps/host.ts";
import { ensureNetwork, type Network } from "../../../sandbox/vps/network.ts";
import { removeAll } from "../../../sandbox/vps/remove.ts";

const log = (): void => undefined;
const newId = (): string => `t${randomBytes(4).toString("hex")}`;
const sandboxId = newId();
let network: Network;
let host: Host;

// From nothing the image of the host is made first, which takes a minute.
const patience = 600_000;

beforeAll(async () => {
  await ensureDocker({ log });
  await ensureHostImage(log);
  network = await ensureNetwork(sandboxId);
  host = await createHost({
    sandboxId,
    name: "vps",
    network,
    log,
    registryMirror: `http://${network.gateway}:1`,
    names: ["garden.test", "www.garden.test"],
  });
}, patience);

afterAll(async () => removeAll(sandboxId, { log }), patience);

/** What a command on the host prints; ssh trusts nothing but the host's own key. */
function ssh(target: Host, command: string): Promise<string> {
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "IdentitiesOnly=yes",
    "PasswordAuthentication=no",
  ];
  const known = `UserKnownHostsFile=${target.knownHostsFile}`;
  const args = [
    "-F",
    "none",
    "-i",
    target.identityFile,
    ...[...options, known].flatMap((text) => ["-o", text]),
  ];
  return run("ssh", [...args, `${target.user}@${target.address}`, command]);
}

/** Names of all that the engine has of a sandbox. */
async function remains(id: string): Promise<string[]> {
  const filter = ["--filter", `label=${sandboxLabel(id)}`];
  return [
    ...(await dockerLines(["ps", "--all", "--format", "{{.Names}}", ...filter])),
    ...(await dockerLines(["volume", "ls", "--format", "{{.Name}}", ...filter])),
    ...(await dockerLines(["network", "ls", "--format", "{{.Name}}", ...filter])),
  ];
}

describe("a new host", () => {
  test("is found by its names, on itself and in the sandbox's network", async () => {
    const lookup = "getent ahostsv4 garden.test www.garden.test | awk '$2 == \"STREAM\" { print $1 }'";
    const found = `${host.address}\n${host.address}`;
    expect((await ssh(host, lookup)).trim()).toBe(found);
    const image = await docker(["inspect", "--format", "{{.Image}}", host.container]);
    const options = ["--rm", "--label", sandboxLabel(sandboxId), "--network", network.name];
    expect(await docker(["run", ...options, "--entrypoint", "sh", image, "-c", lookup])).toBe(found);
  });

  test("is a booted Debian 13 without failed units", async () => {
    expect(await ssh(host, ". /etc/os-release; echo $VERSION_CODENAME; systemctl is-system-running")).toBe(
      "trixie\nrunning\n",
    );
  });

  test("is bare: of Docker it has only the mirror's setting, and no package lists", async () => {
    const script =
      "command -v docker dockerd containerd curl wget python3; ls /etc/docker /var/lib/docker /var/lib/apt/lists";
    const seen = await ssh(host, `${script}; true`);
    expect(seen.split(/\s+/).filter(Boolean)).toEqual([
      "/etc/docker:",
      "daemon.json",
      "/var/lib/apt/lists:",
      "/var/lib/docker:",
    ]);
    expect(JSON.parse(await ssh(host, "cat /etc/docker/daemon.json"))).toEqual({
      "registry-mirrors": [`http://${network.gateway}:1`],
      "insecure-registries": [`${network.gateway}:1`],
    });
  });

  test("shows the key that it was made with, and lets nobody in without the operator's", async () => {
    const scanned = await run("ssh-keyscan", ["-T", "60", "-t", "ed25519", host.address]);
    expect(scanned.trim()).toBe(`${host.address} ${host.hostKey}`);
    await expect(ssh({ ...host, identityFile: "/dev/null" }, "true")).rejects.toThrow(/Permission denied/);
  });

  test(
    "can install packages",
    async () => {
      await ssh(
        host,
        "apt-get -qq update && apt-get -qq install -y --no-install-recommends netbase >/dev/null",
      );
      expect(await ssh(host, "dpkg --get-selections netbase")).toMatch(/^netbase\s+install\n$/);
    },
    patience,
  );
});

test("a second user becomes root by sudo only, and can be added twice", async () => {
  await addUser(host, "deploy");
  const deploy = await addUser(host, "deploy");
  expect(await ssh(deploy, "id -un; id -Gn; sudo -n id -un")).toBe("deploy\ndeploy\nroot\n");
});

test(
  "a reboot keeps files, keys and the address, and empties /run",
  async () => {
    await ssh(host, "echo kept >/root/file; echo kept >/var/lib/docker/file; touch /run/gone");
    await restartHost(host);
    expect(await ssh(host, "cat /root/file /var/lib/docker/file; ls /run/gone 2>&1 || true")).toBe(
      "kept\nkept\nls: cannot access '/run/gone': No such file or directory\n",
    );
  },
  patience,
);

test(
  "a host of the same name is bare again, at the same address, with another key",
  async () => {
    await ssh(host, "touch /root/file /var/lib/docker/file");
    const again = await createHost({ sandboxId, name: "vps", network, log });
    expect(again.address).toBe(host.address);
    expect(again.hostKey).not.toBe(host.hostKey);
    await expect(ssh({ ...again, knownHostsFile: "/dev/null" }, "true")).rejects.toThrow(
      /verification failed/,
    );
    expect(await ssh(again, "ls /root /var/lib/docker; ls -d /etc/docker 2>/dev/null || true")).toBe(
      "/root:\n\n/var/lib/docker:\n",
    );
    host = again;
  },
  patience,
);

test(
  "a second host of the sandbox has an address of its own",
  async () => {
    const other = await createHost({ sandboxId, name: "other", network, log });
    expect(other.address).not.toBe(host.address);
    expect(await ssh(other, "hostname")).toBe("other\n");
  },
  patience,
);

test(
  "what another sandbox does is no concern of this one",
  async () => {
    const otherId = newId();
    try {
      const [first, second] = await Promise.all([ensureNetwork(otherId), ensureNetwork(otherId)]);
      expect(first).toEqual(second);
      expect(first.subnet).not.toBe(network.subnet);
      await createHost({ sandboxId: otherId, name: "vps", network: first, log });
    } finally {
      await removeAll(otherId, { log });
    }
    expect(await remains(otherId)).toEqual([]);
    expect(await ssh(host, "hostname")).toBe("vps\n");
  },
  patience,
);

describe("after a run that was killed", () => {
  test(
    "everything of it is found and removed",
    async () => {
      const id = newId();
      const child = spawn(process.execPath, [join(import.meta.dirname, "killed-run.ts"), id], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines: string[] = [];
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        lines.push(text);
        // The container has been made, its boot has not ended.
        if (text.includes("starting the bare host")) child.kill("SIGKILL");
      });
      await once(child, "close");
      expect(lines.join("")).toContain("starting the bare host");
      expect(await remains(id)).toContain(`botgarden-${id}`);
      const mirror = /^mirror (\S+)$/m.exec(lines.join(""))?.[1] ?? "";
      expect((await fetch(`${mirror}/v2/`)).status).toBe(200);
      const server = readPidFile(mirrorFiles(id).pid);
      if (!server) throw new Error("the mirror has no pid file");

      await removeAll(id, { log });
      expect(await remains(id)).toEqual([]);
      expect(existsSync(join(cacheFolder("sandboxes"), id))).toBe(false);
      // Its address is not asked any more: without the network it is somebody else's.
      expect(isRunning(server)).toBe(false);
      await removeAll(id, { log });
    },
    patience,
  );
});

test("a mirror that is started twice is one process at one address", async () => {
  const images = { source: "debian", shelf: {} } as const;
  const options = { sandboxId, address: network.gateway, log };
  const first = await startMirror({ ...options, images });
  const shelf = { "library/x:1": { digest: `sha256:${"0".repeat(64)}`, mediaType: "a/b", size: 1 } };
  expect(await startMirror({ ...options, images: { source: "debian", shelf } })).toBe(first);
  const answer = await fetch(`${first ?? ""}/v2/library/x/manifests/1`);
  expect(await answer.json()).toMatchObject({ errors: [{ code: "BLOB_UNKNOWN" }] });
  expect(await startMirror({ ...options, images: { source: "hub", shelf: {} } })).toBeUndefined();
  expect(await docker(["network", "inspect", "--format", "{{.Name}}", network.name])).toBe(network.name);
});
