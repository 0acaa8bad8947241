/** Base images: a small Debian of a given suite that trusts what the operator's machine trusts. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../cli/user-error.ts";
import { docker, run } from "../engine/docker.ts";
import { withLock } from "../engine/lock.ts";
import { canInstall, ensurePrograms } from "../engine/packages.ts";
import { cacheFolder } from "../engine/paths.ts";
import { hashFolder } from "./content-hash.ts";
import { dockerHubAnswers } from "./hub.ts";
import { hasImage, readMachine } from "./machine.ts";

/** Debian 12, 13 and the one after: what the images are made of. */
export type Suite = "bookworm" | "trixie" | "forky";

const recipe = join(import.meta.dirname, "base");
const making = new Map<Suite, Promise<string>>();

/**
 * The name of the base image of a suite in the operator's engine; made when it is missing (about 40 s). All
 * checkouts share it. Needs root where Docker Hub can't be reached, since debootstrap does.
 */
export function ensureBase(suite: Suite, log: (line: string) => void): Promise<string> {
  const running = making.get(suite) ?? makeBase(suite, log);
  making.set(suite, running);
  running.catch(() => making.delete(suite));
  return running;
}

async function makeBase(suite: Suite, log: (line: string) => void): Promise<string> {
  const machine = await readMachine();
  const hub = await dockerHubAnswers(log);
  const hash = createHash("sha256");
  hash.update(JSON.stringify([suite, machine, hub])).update(await hashFolder(recipe));
  const name = `botgarden/base-${suite}:${hash.digest("hex").slice(0, 12)}`;
  if (await hasImage(name)) return name;
  await withLock(`base-${suite}`, log, async () => {
    if (await hasImage(name)) return;
    const rootfs = hub ? `debian:${suite}-slim` : await ensureRootfs(suite, machine.mirror, log);
    const context = await mkdtemp(join(cacheFolder("images"), "base-"));
    try {
      await cp(recipe, context, { recursive: true });
      await writeFile(join(context, "apt.conf"), machine.aptConf);
      await writeFile(join(context, "pip.conf"), machine.pipConf);
      await mkdir(join(context, "ca"));
      await Promise.all(
        machine.certificates.map((pem, index) => writeFile(join(context, "ca", `machine-${index}.crt`), pem)),
      );
      // Docker copies no empty folder's content without a file in it.
      await writeFile(
        join(context, "ca", "README"),
        "Certificates that the operator's machine adds to Mozilla's.\n",
      );
      await docker(["build", "--quiet", "--build-arg", `ROOTFS=${rootfs}`, "--tag", name, context]);
    } finally {
      await rm(context, { recursive: true, force: true });
    }
  });
  return name;
}

/** A file tree by debootstrap, imported as an image. */
async function ensureRootfs(
  suite: Suite,
  mirror: string | undefined,
  log: (line: string) => void,
): Promise<string> {
  const slim = await hashFolder(recipe);
  const key = createHash("sha256")
    .update(JSON.stringify([suite, mirror ?? "", slim]))
    .digest("hex");
  const name = `botgarden/rootfs-${suite}:${key.slice(0, 12)}`;
  if (await hasImage(name)) return name;
  if (process.getuid?.() !== 0) {
    throw new UserError(
      "Docker Hub can't be reached, and making images from Debian's packages needs root (debootstrap). Run as " +
        "root once, or give the Docker engine a way to Docker Hub.",
    );
  }
  if (canInstall()) await ensurePrograms([{ name: "debootstrap", package: "debootstrap" }], log);
  await ensureKeyring(log);
  log(`fetching a small Debian ${suite} (debootstrap, once, about 40 s)`);
  const folder = cacheFolder("debootstrap");
  await removeLeftovers(folder, suite);
  const root = await mkdtemp(join(folder, `${suite}-`));
  await chmod(root, 0o755);
  try {
    // Suites that this machine's debootstrap does not know yet are made as unstable is. An empty mirror is
    // debootstrap's own default.
    const scripts = "/usr/share/debootstrap/scripts";
    const script = existsSync(join(scripts, suite)) ? [] : [join(scripts, "sid")];
    const options = ["--variant=minbase", "--include=ca-certificates"];
    await run("debootstrap", [...options, suite, root, mirror ?? "", ...script]);
    await cp(join(recipe, "slim.cfg"), join(root, "etc/dpkg/dpkg.cfg.d/slim"));
    await importTree(root, name);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return name;
}

/** Ubuntu's debootstrap brings no keys of Debian's archive. */
async function ensureKeyring(log: (line: string) => void): Promise<void> {
  if (existsSync("/usr/share/keyrings/debian-archive-keyring.gpg") || !canInstall()) return;
  await withLock("apt", log, () =>
    run("apt-get", ["-qq", "install", "-y", "--no-install-recommends", "debian-archive-keyring"]),
  );
}

/** Half-made trees of runs that were killed; the lock keeps others away from this suite. */
async function removeLeftovers(folder: string, suite: Suite): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${suite}-`)) continue;
    const tree = join(folder, name);
    // debootstrap mounts /proc there, and a kill leaves it mounted.
    await run("umount", ["-q", join(tree, "proc")]).catch(() => undefined);
    await run("umount", ["-q", join(tree, "sys")]).catch(() => undefined);
    await rm(tree, { recursive: true, force: true });
  }
}

async function importTree(root: string, name: string): Promise<void> {
  const archive = `${root}.tar`;
  const left = ["var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*", "var/log/*"];
  const unused = ["usr/share/man/*", "usr/share/info/*", "usr/share/locale/*/*"];
  try {
    const excludes = [...left, ...unused].map((pattern) => `--exclude=./${pattern}`);
    await run("tar", ["-C", root, ...excludes, "-cf", archive, "."]);
    await docker(["import", archive, name]);
  } finally {
    await rm(archive, { force: true });
  }
}
