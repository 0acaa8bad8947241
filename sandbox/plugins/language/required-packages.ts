import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { member, nonEmpty } from "./json.ts";

/** A Pulumi package that a program may use, as its npm package says in `package.json`, key `pulumi`. */
export interface RequiredPackage {
  /** Name of the plugin, for example `docker`. */
  readonly name: string;
  /** Version of the plugin with a leading `v`. */
  readonly version: string;
  /** Where to download the plugin from; empty for the usual place. */
  readonly server: string;
}

/** What a search found: the packages, and what could not be read (each a sentence for the log). */
export interface RequiredPackages {
  readonly packages: readonly RequiredPackage[];
  readonly problems: readonly string[];
}

const POLICY_PACK_FILES: ReadonlySet<string> = new Set([
  "PulumiPolicy.yaml",
  "PulumiPolicy.yml",
  "PulumiPolicy.json",
]);

/**
 * Finds every Pulumi package under a program's folder, as the official host does
 * (`pulumi-language-nodejs`, `getPackagesFromDir`): each `package.json` at any depth below a `node_modules` folder
 * with `pulumi.resource: true`, in alphabetical order; links are followed, policy packs are left out.
 *
 * Never throws for one unreadable folder or file: that is a problem in the answer, as it is only a line in the
 * official host's log.
 */
export function findRequiredPackages(programDirectory: string): RequiredPackages {
  const packages: RequiredPackage[] = [];
  const problems: string[] = [];
  const visited = new Set<string>();

  const visit = (directory: string, inNodeModules: boolean, isProgram: boolean): void => {
    if (visited.has(directory)) return;
    visited.add(directory);
    const entries = attempt(problems, () => readdirSync(directory, { withFileTypes: true }));
    if (entries === undefined) return;
    if (!isProgram && entries.some((entry) => POLICY_PACK_FILES.has(entry.name))) return;
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const childrenAreModules = inNodeModules || basename(directory) === "node_modules";
    for (const entry of entries) {
      let path = join(directory, entry.name);
      let isDirectory = entry.isDirectory();
      if (entry.isSymbolicLink()) {
        const target = attempt(problems, () => realpathSync(path));
        if (target === undefined) continue;
        path = target;
        isDirectory = statSync(path).isDirectory();
      }
      if (isDirectory) {
        visit(path, childrenAreModules, false);
      } else if (inNodeModules && entry.name === "package.json") {
        const found = attempt(problems, () => packageOf(path));
        if (found !== undefined) packages.push(found);
      }
    }
  };
  visit(resolve(programDirectory), false, true);
  return { packages, problems };
}

function attempt<T>(problems: string[], action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function packageOf(path: string): RequiredPackage | undefined {
  const text = readFileSync(path, "utf8");
  // Thousands of files are read here and a handful have the key: parsing only those halves the time.
  if (!text.includes('"pulumi"')) return undefined;
  const manifest: unknown = JSON.parse(text);
  const pulumi = member(manifest, "pulumi");
  if (member(pulumi, "resource") !== true) return undefined;
  if (
    member(pulumi, "parameterization") !== undefined ||
    member(pulumi, "extensionParameterization") !== undefined
  ) {
    throw new Error(`${path}: the sandbox's language host does not support parameterized packages`);
  }
  const version = nonEmpty(member(pulumi, "version")) ?? nonEmpty(member(manifest, "version"));
  if (version === undefined) throw new Error(`${path}: missing expected "version" property`);
  return {
    name: pluginName(path, manifest, pulumi),
    version: version.startsWith("v") ? version : `v${version}`,
    server: nonEmpty(member(pulumi, "server")) ?? "",
  };
}

function pluginName(path: string, manifest: unknown, pulumi: unknown): string {
  const given = nonEmpty(member(pulumi, "name"));
  if (given !== undefined) return given;
  const name = nonEmpty(member(manifest, "name"));
  if (name?.startsWith("@pulumi/")) return name.slice("@pulumi/".length);
  throw new Error(`${path}: a plugin outside of @pulumi needs a "name" in its "pulumi" section`);
}
