/**
 * The sandbox's name server, which knows the hosts' DNS names. Docker's own resolver knows them as the network's aliases,
 * but answers only at a loopback address, which the containers of a host's engine cannot ask; dnsmasq passes their
 * questions on to it.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { docker, dockerOrNothing, sandboxLabel } from "../engine/docker.ts";
import { withLock } from "../engine/lock.ts";
import { ensureBase } from "../images/base.ts";
import { hashFolder } from "../images/content-hash.ts";
import { buildImage } from "../images/ensure.ts";
import { hasImage } from "../images/machine.ts";
import type { Network } from "./network.ts";

const imageFolder = join(import.meta.dirname, "../images/names");

/** Makes the name server's image when it is missing; gives its name. */
export async function ensureNamesImage(log: (line: string) => void): Promise<string> {
  const base = await ensureBase("trixie", log);
  const hash = createHash("sha256").update(JSON.stringify([base, await hashFolder(imageFolder)]));
  const name = `botgarden/names:${hash.digest("hex").slice(0, 12)}`;
  await withLock("image-names", log, async () => {
    if (await hasImage(name)) return;
    log("making the image of the sandbox's name server (once)");
    await buildImage({ name, folder: imageFolder, base, args: {} });
  });
  return name;
}

/** Starts the name server of a sandbox, or finds it; gives its address. */
export async function ensureNames(
  sandboxId: string,
  network: Network,
  log: (line: string) => void,
): Promise<string> {
  const container = `botgarden-${sandboxId}-names`;
  const address = network.subnet.replace(/\d+\/\d+$/, "254");
  const state = await dockerOrNothing(["inspect", "--format", "{{.State.Running}}", container]);
  if (state?.trim() === "true") return address;
  const image = await ensureNamesImage(log);
  await dockerOrNothing(["rm", "--force", container]);
  await docker([
    ...["run", "--detach", "--name", container, "--label", sandboxLabel(sandboxId)],
    ...["--network", network.name, "--ip", address],
    ...["--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", "--cap-add", "SETGID"],
    image,
  ]);
  return address;
}
