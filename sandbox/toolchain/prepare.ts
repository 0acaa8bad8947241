import { join } from "node:path";
import { buildCli } from "./build-cli.ts";
import { cliOnPath } from "./cli-on-path.ts";
import { downloadCli, VENDOR, vendorChecksums } from "./download-cli.ts";
import { installStandIns } from "./install-stand-ins.ts";
import { type ToolchainPaths, toolchainPaths } from "./paths.ts";
import { choiceKey, recall, remember } from "./remember.ts";
import { runCommand } from "./run-command.ts";
import { type Log, SOURCES, type Source, type Toolchain } from "./toolchain.ts";
import { ToolchainError } from "./toolchain-error.ts";
import { installedVersions, type Versions } from "./versions.ts";

/** How to prepare; all but `log` have defaults that only tests change. */
export interface PrepareOptions {
  /** Gets one line per step, and at the end one that says which CLI was taken and why. */
  readonly log: Log;
  readonly environment?: NodeJS.ProcessEnv;
  readonly paths?: ToolchainPaths;
  /** Address of the vendor's releases. */
  readonly vendor?: string;
}

interface Context extends Required<PrepareOptions> {
  readonly versions: Versions;
}

/**
 * Finds or makes a Pulumi CLI with plugins for this checkout: the user's own on PATH, else the official download,
 * else one built from its Go module with the stand-in plugins. `BOTGARDEN_TOOLCHAIN` (path, download or build) forces
 * one. The choice is remembered until something that it depends on changes.
 *
 * @throws ToolchainError naming every way that was tried and why it failed.
 */
export async function prepareToolchain(options: PrepareOptions): Promise<Toolchain> {
  const environment = options.environment ?? process.env;
  const paths = options.paths ?? toolchainPaths(environment);
  const versions = installedVersions(paths.checkout);
  const forced = forcedSource(environment);
  const key = choiceKey(environment, paths, versions);
  const known = recall(paths, key);
  const toolchain =
    known ?? (await choose({ vendor: VENDOR, ...options, environment, paths, versions }, forced));
  if (known === undefined) remember(paths, key, toolchain);
  options.log(`Pulumi CLI ${toolchain.cliVersion} with ${toolchain.plugins} plugins: ${toolchain.why}`);
  return toolchain;
}

function forcedSource(environment: NodeJS.ProcessEnv): Source | undefined {
  const given = environment.BOTGARDEN_TOOLCHAIN ?? "";
  if (given === "") return undefined;
  const source = SOURCES.find((known) => known === given);
  if (source === undefined) {
    throw new ToolchainError(
      `BOTGARDEN_TOOLCHAIN is ${JSON.stringify(given)}; it can be ${SOURCES.join(", ")}, or not set at all`,
    );
  }
  return source;
}

async function choose(context: Context, forced: Source | undefined): Promise<Toolchain> {
  const reasons: string[] = [];
  for (const source of forced === undefined ? SOURCES : [forced]) {
    try {
      const toolchain = await obtain[source](context);
      const because = forced === undefined ? reasons : ["BOTGARDEN_TOOLCHAIN says so"];
      const why = because.length === 0 ? toolchain.why : `${toolchain.why} (${because.join("; ")})`;
      // Node starts the program and each stand-in in half the CPU time when it keeps what it compiled.
      const env = { ...toolchain.env, NODE_COMPILE_CACHE: join(context.paths.cache, "node") };
      return { ...toolchain, why, env };
    } catch (error) {
      if (!(error instanceof ToolchainError)) throw error;
      reasons.push(error.message);
    }
  }
  const asked = forced === undefined ? "" : `BOTGARDEN_TOOLCHAIN is ${forced}, but `;
  throw new ToolchainError(`No Pulumi CLI: ${asked}${reasons.join("; ")}`);
}

const obtain: Readonly<Record<Source, (context: Context) => Promise<Toolchain>>> = {
  path: ({ environment, paths, versions, vendor }) =>
    cliOnPath({
      environment,
      versions,
      cache: paths.cache,
      checkout: paths.checkout,
      vendorAnswers: () =>
        vendorChecksums(versions.sdk, vendor).then(
          () => true,
          () => false,
        ),
    }),

  download: async ({ environment, paths, versions, vendor, log }) => {
    const folder = await downloadCli({ version: versions.sdk, clis: paths.clis, log, vendor });
    const cli = join(folder, "pulumi");
    // Official plugins are large and the same for all checkouts.
    const home = join(paths.cache, "pulumi-home");
    const env = {
      PULUMI_HOME: home,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    };
    for (const [name, version] of Object.entries(versions.plugins)) {
      log(`Installing the Pulumi plugin ${name} ${version}`);
      const args = ["plugin", "install", "resource", name, version];
      const { code, tail } = await runCommand(cli, args, { env: { ...environment, ...env } });
      if (code !== 0)
        throw new ToolchainError(`the plugin ${name} ${version} could not be installed: ${tail}`);
    }
    return {
      source: "download",
      cli,
      cliVersion: versions.sdk,
      plugins: "official",
      why: "the official download",
      env,
      pathEntries: [folder, nodeFolder(paths)],
    };
  },

  build: async ({ environment, paths, versions, log }) => {
    const { clis, cache, own, checkout } = paths;
    const built = await buildCli({ version: versions.sdk, clis, cache, environment, log });
    const { cli, home } = installStandIns(built, own, checkout, versions);
    return {
      source: "build",
      cli,
      cliVersion: versions.sdk,
      plugins: "stand-in",
      why: "built from its Go module",
      env: {
        PULUMI_HOME: home,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // Neither a plugin that happens to be on PATH nor one from the network in the place of a stand-in.
        PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      },
      pathEntries: [join(own, "bin"), nodeFolder(paths)],
    };
  },
};

function nodeFolder(paths: ToolchainPaths): string {
  return join(paths.checkout, "node_modules/.bin");
}
