/** The throw-away VPS: a container with Debian 13, systemd and sshd, reached over ssh only. */
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { docker, dockerInspect, dockerLines, dockerOrNothing, run, sandboxLabel } from "../engine/docker.ts";
import { withLock } from "../engine/lock.ts";
import { sandboxFolder } from "../engine/paths.ts";
import { ensureBase } from "../images/base.ts";
import { hashFolder } from "../images/content-hash.ts";
import { buildImage } from "../images/ensure.ts";
import { hasImage } from "../images/machine.ts";
import { makeKeyPair, operatorKey } from "./keys.ts";
import { ensureNames } from "./names.ts";
import type { Network } from "./network.ts";
import { systemdOptions } from "./options.ts";
import { waitForHost } from "./wait.ts";

/** A host as ssh meets it. */
export interface Host {
  sandboxId: string;
  /** The host's own name. */
  name: string;
  /** IPv4 address; it stays the same over a restart. */
  address: string;
  /** Always 22. */
  port: number;
  /** Who logs in with `identityFile`. */
  user: string;
  /** "ssh-ed25519 AAAA…", what a known_hosts line must say. */
  hostKey: string;
  /** The operator's private key. */
  identityFile: string;
  /** A known_hosts file with this host's line. */
  knownHostsFile: string;
  /** The container, for tests that must look behind the scenes. */
  container: string;
}

/** What `createHost` needs. */
export interface HostOptions {
  sandboxId: string;
  /** a-z, 0-9 and -; unique within the sandbox. */
  name: string;
  network: Network;
  log: (line: string) => void;
  /** The mirror of Docker Hub that the host's engine will use ("http://10.…:port"). Default: none. */
  registryMirror?: string | undefined;
  /** More public keys that may log in as root. Default: only the sandbox's operator key. */
  publicKeys?: readonly string[];
  /** DNS names of the host: all in the sandbox's network, its hosts and their containers find it. Default: none. */
  names?: readonly string[];
}

const imageFolder = join(import.meta.dirname, "host-image");

/** Makes the image of a bare host when it is missing (from nothing about a minute); gives its name. */
export async function ensureHostImage(log: (line: string) => void): Promise<string> {
  const base = await ensureBase("trixie", log);
  const hash = createHash("sha256").update(JSON.stringify([base, await hashFolder(imageFolder)]));
  const name = `botgarden/host:${hash.digest("hex").slice(0, 12)}`;
  await withLock("image-host", log, async () => {
    if (await hasImage(name)) return;
    log("making the image of a bare Debian 13 host (once)");
    await buildImage({ name, folder: imageFolder, base, args: {} });
  });
  return name;
}

/**
 * Starts a bare host and waits until sshd answers (cached: about a second). One of the same name is removed
 * first, with all that was on it. The host has nothing of Docker but /etc/docker/daemon.json, and only when
 * there is a mirror.
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const { sandboxId, name, network, log } = options;
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
    throw new Error(`a host's name is of a-z, 0-9 and -, not "${name}"`);
  const image = await ensureHostImage(log);
  const operator = await operatorKey(sandboxId);
  return withLock(`hosts-${sandboxId}`, log, async () => {
    await removeHost({ sandboxId, name });
    const folder = join(sandboxFolder(sandboxId), `host-${name}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const key = await makeKeyPair(join(folder, "ssh_host_ed25519_key"), name);
    const address = await freeAddress(sandboxId, network);
    const host: Host = {
      ...{ sandboxId, name, address, port: 22, user: "root", hostKey: key.publicKey },
      identityFile: operator.path,
      knownHostsFile: join(folder, "known_hosts"),
      container: containerName(sandboxId, name),
    };
    await writeFile(host.knownHostsFile, `${address} ${key.publicKey}\n`);
    log(`starting the bare host ${name} at ${address}`);
    const nameServer = await ensureNames(sandboxId, network, log);
    await createContainer(host, { image, network, folder, names: options.names ?? [], nameServer });
    const keys = [operator.publicKey, ...(options.publicKeys ?? [])];
    await putFiles(host, { key: key.path, authorizedKeys: keys, registryMirror: options.registryMirror });
    await docker(["start", host.container]);
    await waitForHost(host);
    return host;
  });
}

/** Removes a host and all its volumes; does nothing where there is none. */
export async function removeHost({ sandboxId, name }: Pick<Host, "sandboxId" | "name">): Promise<void> {
  const container = containerName(sandboxId, name);
  await dockerOrNothing(["rm", "--force", "--volumes", container]);
  const volumes = await dockerLines(["volume", "ls", "--quiet", "--filter", `name=^${container}-docker$`]);
  if (volumes.length > 0) await docker(["volume", "rm", ...volumes]);
  await rm(join(sandboxFolder(sandboxId), `host-${name}`), { recursive: true, force: true });
}

function containerName(sandboxId: string, name: string): string {
  return `botgarden-${sandboxId}-${name}`;
}

interface ContainerParts {
  image: string;
  network: Network;
  folder: string;
  names: readonly string[];
  nameServer: string;
}

async function createContainer(
  host: Host,
  { image, network, folder, names, nameServer }: ContainerParts,
): Promise<void> {
  const { options, command } = await systemdOptions();
  const label = sandboxLabel(host.sandboxId);
  const volume = `${host.container}-docker`;
  await docker(["volume", "create", "--label", label, volume]);
  await docker([
    ...["create", "--name", host.container, "--hostname", host.name, "--label", label],
    ...["--network", network.name, "--ip", host.address, ...options],
    ...names.flatMap((name) => ["--network-alias", name]),
    ...["--volume", `${volume}:/var/lib/docker`, ...(await resolverMount(folder, nameServer))],
    ...[image, ...command],
  ]);
}

/** A VPS gets its provider's name servers; this one gets the sandbox's, so that its containers can ask it too. */
async function resolverMount(folder: string, nameServer: string): Promise<string[]> {
  const file = join(folder, "resolv.conf");
  await writeFile(file, `nameserver ${nameServer}\n`);
  // Everyone on the host reads it; the folder around it is closed on the operator's side.
  await chmod(file, 0o644);
  return ["--volume", `${file}:/etc/resolv.conf`];
}

interface HostFiles {
  key: string;
  authorizedKeys: readonly string[];
  registryMirror: string | undefined;
}

/** Puts the host's keys and settings into the container before its first start. */
async function putFiles(host: Host, { key, authorizedKeys, registryMirror }: HostFiles): Promise<void> {
  const tree = await mkdtemp(join(sandboxFolder(host.sandboxId), "files-"));
  try {
    await mkdir(join(tree, "root/.ssh"), { recursive: true, mode: 0o700 });
    await mkdir(join(tree, "etc/ssh"), { recursive: true });
    await writeFile(join(tree, "root/.ssh/authorized_keys"), `${authorizedKeys.join("\n")}\n`, {
      mode: 0o600,
    });
    await cp(key, join(tree, "etc/ssh/ssh_host_ed25519_key"));
    await cp(`${key}.pub`, join(tree, "etc/ssh/ssh_host_ed25519_key.pub"));
    if (registryMirror !== undefined) {
      await mkdir(join(tree, "etc/docker"));
      await writeFile(join(tree, "etc/docker/daemon.json"), daemonJson(registryMirror));
    }
    const archive = join(tree, "files.tar");
    const owner = ["--owner=0", "--group=0", "--numeric-owner"];
    await run("tar", ["-C", tree, ...owner, "-cf", archive, "root/.ssh", ...(await listEtc(tree))]);
    await run("sh", ["-c", 'exec docker cp - "$1:/" <"$2"', "sh", host.container, archive]);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** Only files, never the folders around them: the host's own keep their owner and mode. */
async function listEtc(tree: string): Promise<string[]> {
  const list = await run("find", ["etc", "-type", "f"], { cwd: tree });
  return list.split("\n").filter((line) => line !== "");
}

/** BuildKit tries TLS first and falls back to plain http for insecure registries only; pulls obey the scheme. */
function daemonJson(mirror: string): string {
  const settings = { "registry-mirrors": [mirror], "insecure-registries": [new URL(mirror).host] };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

/** The lowest address from .10 on that no container of the sandbox has, running or not. */
async function freeAddress(sandboxId: string, network: Network): Promise<string> {
  const ids = await dockerLines(["ps", "--all", "--quiet", "--filter", `label=${sandboxLabel(sandboxId)}`]);
  const format =
    "{{range .NetworkSettings.Networks}}{{if .IPAMConfig}}{{.IPAMConfig.IPv4Address}} {{end}}{{.IPAddress}} {{end}}";
  const taken = ids.length === 0 ? "" : await dockerInspect(["inspect", "--format", format, ...ids]);
  const used = new Set(taken.split(/\s+/));
  const prefix = network.subnet.split(".").slice(0, 3).join(".");
  for (let last = 10; last < 250; last += 1) if (!used.has(`${prefix}.${last}`)) return `${prefix}.${last}`;
  throw new Error(`no free address in ${network.subnet}`);
}
