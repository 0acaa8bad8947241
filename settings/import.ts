/** Imports a bot's file, and says in one line why that failed. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Fault } from "./fault.ts";
import { reasonOf, stackOf } from "./thrown.ts";

/** Longer than any honest module needs; a file that awaits what never comes would else hang the whole run. */
const PATIENCE_MILLISECONDS = 20_000;

/** Imports a module; rejects if it isn't there within 20 seconds. */
export async function importFile(url: URL): Promise<{ readonly default?: unknown }> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error("it doesn't finish loading within 20 seconds")),
    PATIENCE_MILLISECONDS,
  );
  try {
    const loaded: unknown = await Promise.race([import(url.href), late]);
    return typeof loaded === "object" && loaded !== null ? loaded : {};
  } finally {
    clearTimeout(timer);
  }
}

/** The fault of a file that couldn't be imported: the line, if it is known, and the reason. */
export async function importFault(thrown: unknown, file: string, path: string): Promise<Fault> {
  const reason = reasonOf(thrown);
  const line =
    lineIn(stackOf(thrown), path) ??
    lineOfImport(reason, path) ??
    (thrown instanceof SyntaxError ? await checkedLine(path) : undefined);
  const where = line === undefined ? file : `${file}:${line}`;
  return {
    where,
    path: "",
    problem: `can't be loaded: ${shortPaths(reason, file, path)}`,
    fix: "Correct the file.",
  };
}

/** The paths in Node's messages as the user knows them. */
function shortPaths(reason: string, file: string, path: string): string {
  return reason
    .replaceAll(`file://${dirname(path)}`, dirname(file))
    .replaceAll(dirname(path), dirname(file))
    .replace(/ imported from .*$/, "");
}

/** The line of the file that a stack names first. */
function lineIn(text: string, path: string): number | undefined {
  for (const name of [pathToFileURL(path).href, path]) {
    const at = text.indexOf(`${name}:`);
    const line = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + name.length + 1), 10);
    if (Number.isInteger(line)) return line;
  }
  return undefined;
}

/** The line that imports what couldn't be found; Node names only the module. */
function lineOfImport(message: string, path: string): number | undefined {
  const missing = /Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1];
  if (missing === undefined) return undefined;
  const lines = readFileSync(path, "utf8").split("\n");
  const index = lines.findIndex(
    (line) => /\bfrom\b|\bimport\b/.test(line) && line.includes(basename(missing)),
  );
  return index < 0 ? undefined : index + 1;
}

/** The line of a syntax error that JavaScript itself finds: only `node --check` tells it. */
async function checkedLine(path: string): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<string>();
  execFile(process.execPath, ["--check", path], (_error, _stdout, stderr) => resolve(stderr));
  return lineIn(await promise, path);
}
