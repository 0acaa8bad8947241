/** The files that `assetPaths` names, in the syntax of github.com/gobwas/glob with "/" between the parts. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import { Asset, type PropertyMap } from "../framework/values.ts";

/** The files below `dir` that the rules name, in order: "!" takes files out again. Keys are relative to `dir`. */
export function findAssets(dir: string, globs: readonly string[]): PropertyMap {
  const rules = globs.map((glob) => ({
    excludes: glob.startsWith("!"),
    pattern: toRegExp(glob.replace(/^!/, "")),
  }));
  const assets: PropertyMap = {};
  for (const path of filesBelow(dir)) {
    const last = rules.findLast((rule) => rule.pattern.test(path));
    if (last === undefined || last.excludes) continue;
    const file = join(dir, path);
    assets[path] = new Asset("path", file, createHash("sha256").update(readFileSync(file)).digest("hex"));
  }
  return assets;
}

function filesBelow(dir: string): string[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(join(dir, "/").length)).sort();
}

/** Translates a glob. Throws for a bracket or brace that isn't closed. */
export function toRegExp(glob: string): RegExp {
  let source = "";
  for (let i = 0, braces = 0; i < glob.length; i++) {
    const letter = glob[i] ?? "";
    if (letter === "*" && glob[i + 1] === "*") {
      source += ".*";
      i++;
    } else if (letter === "*") source += "[^/]*";
    else if (letter === "?") source += "[^/]";
    else if (letter === "[") {
      const end = glob.indexOf("]", i);
      if (end === -1) throw new Error(`the path pattern "${glob}" has a "[" without "]"`);
      source += `[${glob
        .slice(i + 1, end)
        .replace(/^!/, "^")
        .replaceAll("\\", "\\\\")}]`;
      i = end;
    } else if (letter === "{") {
      if (!glob.includes("}", i)) throw new Error(`the path pattern "${glob}" has a "{" without "}"`);
      braces++;
      source += "(?:";
    } else if (letter === "}" && braces > 0) {
      braces--;
      source += ")";
    } else if (letter === "," && braces > 0) source += "|";
    else if (letter === "\\") source += escaped(glob[++i] ?? "");
    else source += escaped(letter);
  }
  return new RegExp(`^${source}$`, "s");
}

function escaped(letter: string): string {
  return letter.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
