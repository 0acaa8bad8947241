/**
 * What the docker cases need on the engine: a tiny image, two networks and a volume. Names carry a random suffix, so
 * that runs side by side don't meet, and everything is removed at the end.
 */
import { execFile } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";

const run = promisify(execFile);
const suffix = randomBytes(4).toString("hex");
const block = `10.${randomInt(130, 190)}.${randomInt(1, 250)}`;
const folder = mkdtempSync(join(tmpdir(), "botgarden-conformance-"));

/** Names of what the cases use. */
export const names = {
  /** A shell, sleep, true, false and cat. */
  image: `botgarden-conformance:${suffix}`,
  /** The same image under another name. */
  sameImage: `botgarden-conformance:${suffix}-again`,
  network: `conformance-${suffix}`,
  otherNetwork: `conformance-other-${suffix}`,
  volume: `conformance-${suffix}`,
  otherVolume: `conformance-other-${suffix}`,
  /** A fixed address in `network`. */
  address: `${block}.77`,
  /** Free for a network of the cases' own. */
  subnet: `10.${randomInt(192, 250)}.${randomInt(1, 250)}`,
  /** A build context with a Dockerfile, a .dockerignore and a few files; its image is called `builtImage`. */
  context: join(folder, "context"),
  builtImage: `botgarden-conformance-built:${suffix}`,
  /** A port of this machine. */
  port: randomInt(20_000, 30_000),
  suffix,
} as const;

/** A command that runs until it is told to stop, and then stops at once. */
export const untilStopped = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"];

/** Runs `docker`; gives back what it prints. */
export async function docker(...args: string[]): Promise<string> {
  return (await run("docker", args)).stdout.trim();
}

/** Makes everything. */
export async function makeFixtures(): Promise<void> {
  const log = (line: string) => console.log(line);
  await ensureDocker({ log });
  await makeContext();
  await docker("build", "-q", "-t", names.image, "-t", names.sameImage, names.context);
  await docker("network", "create", "--subnet", `${block}.0/24`, names.network);
  await docker("network", "create", names.otherNetwork);
}

async function makeContext(): Promise<void> {
  mkdirSync(join(names.context, "src", "deep"), { recursive: true });
  await run("sh", [fileURLToPath(new URL("tiny-root.sh", import.meta.url)), join(names.context, "root")]);
  // Not only names of its own, but also images and layers: two files make and remove theirs side by side, and by its image
  // `removeFixtures` finds the containers to remove.
  writeFileSync(join(names.context, "root", `of-${suffix}`), "");
  await copyFile(new URL("Dockerfile", import.meta.url), join(names.context, "Dockerfile"));
  writeFileSync(
    join(names.context, ".dockerignore"),
    "# not in the image\n*.log\nsrc/deep\n!src/deep/kept.txt\n",
  );
  writeFileSync(join(names.context, "src", "app.txt"), "app\n");
  writeFileSync(join(names.context, "src", "noise.log"), "kept: the pattern has no folder\n");
  writeFileSync(join(names.context, "noise.log"), "left out\n");
  writeFileSync(join(names.context, "src", "deep", "lost.txt"), "left out\n");
  writeFileSync(join(names.context, "src", "deep", "kept.txt"), "kept\n");
}

/** Changes a file of the build context. */
export function changeContext(path: string, text: string): void {
  writeFileSync(join(names.context, path), text);
}

/** Removes everything, also what failed tests left behind. */
export async function removeFixtures(): Promise<void> {
  const containers = await docker("ps", "-aq", "--filter", `ancestor=${names.image}`);
  if (containers !== "") await docker("rm", "-f", "-v", ...containers.split("\n"));
  await quietly("network", "rm", names.network, names.otherNetwork);
  await quietly("volume", "rm", "-f", names.volume, names.otherVolume);
  await quietly("rmi", "-f", names.image, names.sameImage, names.builtImage);
  rmSync(folder, { recursive: true, force: true });
}

async function quietly(...args: string[]): Promise<void> {
  // What is not there any more needs no removing.
  await docker(...args).catch(() => undefined);
}

/** The machine's own host name file, which is there everywhere: something to mount. */
export const hostFile = "/etc/hostname";
