import { execFile } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findExecutable } from "./find-executable.ts";
import { member, nonEmpty } from "./json.ts";

const run = promisify(execFile);

/** What `pulumi about` and the history of a stack say about the runtime. */
export interface About {
  /** Absolute path of the Node that runs programs. */
  readonly executable: string;
  /** Its version with a leading `v`; empty when it could not be asked. */
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Describes the runtime as the official host does (`pulumi-language-nodejs`, `About`), with fewer processes: the
 * engine asks on every `up`, and starting npm alone takes longer than all else that this host does.
 *
 * @throws Error when there is no Node on PATH.
 */
export async function describeRuntime(programDirectory: string): Promise<About> {
  const executable = findExecutable("node", process.env.PATH);
  if (executable === undefined) throw new Error('could not find executable "node" on the $PATH');
  const metadata: Record<string, string> = {
    packagemanager: "npm",
    packagemanagerVersion: (await npmVersion()) ?? "",
  };
  const typescript = versionIn(() => resolveFrom(programDirectory, "typescript/package.json"));
  if (typescript !== undefined) metadata.typescriptVersion = typescript;
  return { executable, version: await nodeVersion(executable), metadata };
}

async function nodeVersion(executable: string): Promise<string> {
  if (realpathSync(executable) === realpathSync(process.execPath)) return process.version;
  return await run(executable, ["--version"]).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}

async function npmVersion(): Promise<string | undefined> {
  const npm = findExecutable("npm", process.env.PATH);
  if (npm === undefined) return undefined;
  // npm's command is usually a link to npm/bin/npm-cli.js.
  const beside = versionIn(() => join(dirname(realpathSync(npm)), "../package.json"));
  if (beside !== undefined) return beside;
  return await run(npm, ["--version"]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

function resolveFrom(directory: string, module: string): string {
  return createRequire(join(directory, "package.json")).resolve(module);
}

function versionIn(manifestPath: () => string): string | undefined {
  try {
    return nonEmpty(member(JSON.parse(readFileSync(manifestPath(), "utf8")), "version"));
  } catch {
    return undefined;
  }
}
