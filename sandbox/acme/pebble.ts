/** Pebble, Let's Encrypt's test authority, as a container in the sandbox's network. */
import { createHash } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker, dockerLines, dockerOrNothing, sandboxLabel } from "../engine/docker.ts";
import { withLock } from "../engine/lock.ts";
import { ensureBase } from "../images/base.ts";
import { hashFolder } from "../images/content-hash.ts";
import { buildImage } from "../images/ensure.ts";
import { hasImage } from "../images/machine.ts";
import type { Network } from "../vps/network.ts";
import type { PebbleProfile } from "./profiles.ts";

/** The ACME side's port and that of the management side, which knows the roots. */
export const pebblePorts = { acme: 14_000, management: 15_000 };

const imageFolder = join(import.meta.dirname, "../images/pebble");

/** Makes Pebble's image when it is missing (a few seconds once the base is there); gives its name. */
export async function ensurePebbleImage(log: (line: string) => void): Promise<string> {
  const base = await ensureBase("forky", log);
  const hash = createHash("sha256").update(JSON.stringify([base, await hashFolder(imageFolder)]));
  const name = `botgarden/pebble:${hash.digest("hex").slice(0, 12)}`;
  if (await hasImage(name)) return name;
  await withLock("image-pebble", log, async () => {
    if (await hasImage(name)) return;
    log("making the image of Pebble, the test authority (once)");
    await buildImage({ name, folder: imageFolder, base, args: {} });
  });
  return name;
}

/** What `startPebble` needs. */
export interface PebbleOptions {
  sandboxId: string;
  network: Network;
  /** The container's name. */
  container: string;
  /** The container's address in the network. */
  address: string;
  /** A folder with server.pem and server.key; Pebble's settings are put beside them. */
  folder: string;
  profiles: Readonly<Record<string, PebbleProfile>>;
  /** How many good nonces in a hundred are refused, which clients must survive. */
  nonceRejects: number;
  log: (line: string) => void;
}

/** Starts Pebble; one of the same name is removed first. It listens a moment after. */
export async function startPebble(options: PebbleOptions): Promise<void> {
  const { sandboxId, network, container, address, folder, log } = options;
  const image = await ensurePebbleImage(log);
  const file = join(folder, "pebble.json");
  writeFileSync(file, JSON.stringify(settings(options.profiles), null, 2));
  // Whatever the umask: the container's root may not pass over file modes.
  chmodSync(folder, 0o755);
  chmodSync(file, 0o644);
  await removePebble(container);
  const environment = {
    PEBBLE_VA_NOSLEEP: "1",
    PEBBLE_WFE_NONCEREJECT: String(options.nonceRejects),
    // Each order is validated; otherwise one in two would not ask the host at all.
    PEBBLE_AUTHZREUSE: "0",
  };
  await docker([
    ...["run", "--detach", "--name", container, "--label", sandboxLabel(sandboxId)],
    ...["--network", network.name, "--ip", address, "--hostname", "acme"],
    ...["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    ...["--volume", `${folder}:/pebble:ro`],
    ...Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    image,
  ]);
}

/** Removes the container; does nothing where there is none. */
export async function removePebble(container: string): Promise<void> {
  await dockerOrNothing(["rm", "--force", "--volumes", container]);
}

function settings(profiles: PebbleOptions["profiles"]): unknown {
  return {
    pebble: {
      listenAddress: `0.0.0.0:${pebblePorts.acme}`,
      managementListenAddress: `0.0.0.0:${pebblePorts.management}`,
      certificate: "/pebble/server.pem",
      privateKey: "/pebble/server.key",
      // Where http-01 and tls-alpn-01 are validated: the real ports.
      httpPort: 80,
      tlsPort: 443,
      ocspResponderURL: "",
      externalAccountBindingRequired: false,
      // Seconds that clients are asked to wait between two looks.
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles,
    },
  };
}

/**
 * An address of the network for an authority: .4 to .9, which hosts never get. Docker hands addresses to other
 * containers from .2 on, so the first free one is looked for. Its index tells the authorities of a network apart.
 */
export async function pebbleAddress(
  network: Network,
  container: string,
): Promise<{ address: string; index: number }> {
  const format = "{{range .Containers}}{{.Name}} {{.IPv4Address}}\n{{end}}";
  const lines = await dockerLines(["network", "inspect", "--format", format, network.name]);
  const taken = lines.map((line) => line.split(" ")).filter(([name]) => name !== container);
  const used = new Set(taken.map(([, cidr = ""]) => cidr.split("/")[0]));
  const prefix = network.subnet.split(".").slice(0, 3).join(".");
  for (let index = 0; index < 6; index += 1) {
    const address = `${prefix}.${4 + index}`;
    if (!used.has(address)) return { address, index };
  }
  throw new Error(`no free address for an ACME authority in ${network.subnet}`);
}
