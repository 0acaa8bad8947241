/**
 * The files of a build context, in the order of the official plugin's walk (Go's filepath.WalkDir: names of a
 * folder in byte order, a folder's content right after it).
 */

import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { IgnoreRules } from "./ignore.ts";

/** Something in the context. `path` is relative to it, with slashes. */
export interface ContextFile {
  readonly path: string;
  readonly stats: Stats;
}

/** Walks a context without what the rules leave out. Folders come before their content. */
export function contextFiles(root: string, rules: IgnoreRules): AsyncGenerator<ContextFile> {
  return filesIn(root, rules, "", undefined);
}

async function* filesIn(
  root: string,
  rules: IgnoreRules,
  folder: string,
  folderMatched: readonly boolean[] | undefined,
): AsyncGenerator<ContextFile> {
  const names = await readdir(join(root, folder));
  for (const name of names.sort(byBytes)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    const stats = await statOf(join(root, path));
    if (stats === undefined) continue;
    const { out, matched } = rules.judge(path, folderMatched);
    if (!out) yield { path, stats };
    if (stats.isDirectory() && !(out && rules.closes(path))) yield* filesIn(root, rules, path, matched);
  }
}

/** A file that vanishes during the walk is as good as one that was never there. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
