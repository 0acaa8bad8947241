import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { runCommand } from "./run-command.ts";
import type { Toolchain } from "./toolchain.ts";
import { ToolchainError } from "./toolchain-error.ts";
import { cliServes, type Versions } from "./versions.ts";

/** What the search for an installed CLI looks at. */
export interface PathSearch {
  readonly environment: NodeJS.ProcessEnv;
  /** The sandbox's own cache: a CLI in there is not the user's. */
  readonly cache: string;
  readonly checkout: string;
  readonly versions: Versions;
  /** Whether the CLI could download a plugin that it lacks. */
  readonly vendorAnswers: () => Promise<boolean>;
}

/** The first executable of that name on PATH outside of the sandbox's cache, or undefined. */
export function findOnPath(
  name: string,
  { environment, cache }: Pick<PathSearch, "environment" | "cache">,
): string | undefined {
  for (const folder of (environment.PATH ?? "").split(delimiter)) {
    if (folder === "" || isInside(cache, resolve(folder))) continue;
    const candidate = resolve(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/**
 * The user's own CLI, with its own plugins and home.
 *
 * @throws ToolchainError saying why there is none that can be used.
 */
export async function cliOnPath(search: PathSearch): Promise<Toolchain> {
  const { environment, versions } = search;
  const cli = findOnPath("pulumi", search);
  if (cli === undefined) throw new ToolchainError("there is no pulumi on PATH");
  const { code, stdout, tail } = await runCommand(cli, ["version"], {
    env: { ...environment, PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  const version = stdout.trim().replace(/^v/, "");
  if (code !== 0) throw new ToolchainError(`${cli} on PATH does not run: ${tail}`);
  if (!cliServes(version, versions.sdk)) {
    throw new ToolchainError(`${cli} on PATH is ${version}, and ${versions.sdk} or a newer 3.x is needed`);
  }
  const bundled = join(dirname(realpathSync(cli)), "pulumi-language-nodejs");
  if (!existsSync(bundled) && findOnPath("pulumi-language-nodejs", search) === undefined) {
    throw new ToolchainError(`${cli} on PATH has no pulumi-language-nodejs beside it`);
  }
  const home = usersPulumiHome(search);
  const missing = missingPlugins(home, versions);
  if (missing.length > 0 && !(await search.vendorAnswers())) {
    throw new ToolchainError(
      `${cli} on PATH lacks the plugins ${missing.join(", ")}, and get.pulumi.com can't be reached`,
    );
  }
  return {
    source: "path",
    cli,
    cliVersion: version,
    plugins: "official",
    why: `${cli} is on PATH`,
    env: { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    pathEntries: [join(search.checkout, "node_modules/.bin"), dirname(cli)],
  };
}

/** The user's PULUMI_HOME, also from a shell in which the sandbox's is set. */
export function usersPulumiHome({ environment, cache }: Pick<PathSearch, "environment" | "cache">): string {
  const given = environment.PULUMI_HOME ?? "";
  if (given !== "" && !isInside(cache, resolve(given))) return resolve(given);
  return join(environment.HOME || homedir(), ".pulumi");
}

function missingPlugins(home: string, versions: Versions): string[] {
  return Object.entries(versions.plugins)
    .filter(([name, version]) => !existsSync(join(home, "plugins", `resource-${name}-v${version}`)))
    .map(([name, version]) => `${name} ${version}`);
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith("../") && !isAbsolute(way);
}
