import { readFileSync } from "node:fs";
import { join } from "node:path";
import { member, nonEmpty } from "./json.ts";

/** An npm package that a program depends on. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
}

/**
 * Lists a program's npm packages for `pulumi about`: those that its package.json names, or all, from npm's own
 * record of what it installed (`node_modules/.package-lock.json`).
 *
 * @throws Error when nothing is installed, or the files can't be read.
 */
export function programDependencies(programDirectory: string, transitive: boolean): Dependency[] {
  const installed = member(readJson(join(programDirectory, "node_modules/.package-lock.json")), "packages");
  const manifest = readJson(join(programDirectory, "package.json"));
  const named = new Set(
    ["dependencies", "devDependencies"].flatMap((key) => Object.keys(member(manifest, key) ?? {})),
  );
  const dependencies: Dependency[] = [];
  for (const [path, entry] of Object.entries(installed ?? {})) {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const isDirect = path === `node_modules/${name}` && named.has(name);
    const version = nonEmpty(member(entry, "version"));
    if (version !== undefined && (transitive || isDirect)) dependencies.push({ name, version });
  }
  return dependencies;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
