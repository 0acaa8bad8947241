import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type IgnoreRules, ignoreRules } from "../../settings/build-ignore.ts";

/**
 * The SHA-256 of what a build is made from: the Dockerfile, and the path, mode and content of each file in its folder
 * that `.dockerignore` doesn't leave out. Times and empty folders don't count; of a symbolic link its target does.
 *
 * @throws RunError that names what can't be read
 */
export async function buildDigest(context: string, dockerfile: string): Promise<string> {
  try {
    const rules = await ignoreRules(context);
    const sum = createHash("sha256").update(`${await contentOf(dockerfile)}\n`);
    for await (const path of filesIn(context, "", rules)) {
      const file = join(context, path);
      const stats = await lstat(file);
      const isLink = stats.isSymbolicLink();
      if (!isLink && !stats.isFile()) continue;
      const content = isLink ? `-> ${await readlink(file)}` : await contentOf(file);
      sum.update(`${JSON.stringify([path, stats.mode, content])}\n`);
    }
    return sum.digest("hex");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new pulumi.RunError(`The folder ${context} can't be read for the build of an image: ${reason}.`);
  }
}

/** The files in a folder, and what else is no folder, in a fixed order. */
async function* filesIn(context: string, folder: string, rules: IgnoreRules): AsyncGenerator<string> {
  const entries = await readdir(join(context, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    // The plugin sends it whatever it says about itself.
    const leftOut = path !== ".dockerignore" && rules.leavesOut(path);
    if (!entry.isDirectory()) {
      if (!leftOut) yield path;
    } else if (!leftOut || !rules.final) yield* filesIn(context, path, rules);
  }
}

async function contentOf(path: string): Promise<string> {
  const sum = createHash("sha256");
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) sum.update(chunk);
  return sum.digest("hex");
}
