import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findOnPath, usersPulumiHome } from "./cli-on-path.ts";
import type { ToolchainPaths } from "./paths.ts";
import { SOURCES, type Toolchain } from "./toolchain.ts";
import type { Versions } from "./versions.ts";

/** Changes when a remembered choice of an older form must not be used. */
const FORMAT = 1;

/**
 * What a choice depends on, as one text: the forced source, the `pulumi` on PATH, the versions of the npm packages,
 * the recipe of the build and the home.
 */
export function choiceKey(environment: NodeJS.ProcessEnv, paths: ToolchainPaths, versions: Versions): string {
  const search = { environment, cache: paths.cache };
  const onPath = findOnPath("pulumi", search);
  return JSON.stringify([
    FORMAT,
    environment.BOTGARDEN_TOOLCHAIN ?? "",
    onPath === undefined ? "" : fileStamp(onPath),
    onPath === undefined ? "" : usersPulumiHome(search),
    versions,
    fileStamp(join(paths.checkout, "sandbox/toolchain/go.sum")),
    `${process.platform} ${process.arch}`,
  ]);
}

/** The choice that was made for this key, if its CLI is still there and unchanged. */
export function recall(paths: ToolchainPaths, key: string): Toolchain | undefined {
  try {
    const kept: unknown = JSON.parse(readFileSync(choiceFile(paths), "utf8"));
    if (!isRecord(kept) || kept.key !== key || !isToolchain(kept.toolchain)) return undefined;
    return kept.stamp === stampOf(kept.toolchain) ? kept.toolchain : undefined;
  } catch {
    // No such file, not of this form, or a file of the choice is gone: it is made again.
    return undefined;
  }
}

/** Keeps a choice for {@link recall}. */
export function remember(paths: ToolchainPaths, key: string, toolchain: Toolchain): void {
  const file = choiceFile(paths);
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.partial.${process.pid}`;
  writeFileSync(partial, JSON.stringify({ key, stamp: stampOf(toolchain), toolchain }, undefined, 2));
  renameSync(partial, file);
}

function choiceFile(paths: ToolchainPaths): string {
  return join(paths.own, "choice.json");
}

function stampOf({ cli, plugins, env }: Toolchain): string {
  // Throws when the stand-ins are gone.
  if (plugins === "stand-in") statSync(join(env.PULUMI_HOME ?? "", "plugins"));
  return fileStamp(cli);
}

/** Changes when the file does: path, size and time of the last change in milliseconds. */
function fileStamp(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

// By hand, because loading zod takes longer than all the rest of a second call.
function isToolchain(value: unknown): value is Toolchain {
  return (
    isRecord(value) &&
    SOURCES.some((source) => source === value.source) &&
    (value.plugins === "official" || value.plugins === "stand-in") &&
    [value.cli, value.cliVersion, value.why].every(isText) &&
    isRecord(value.env) &&
    Object.values(value.env).every(isText) &&
    Array.isArray(value.pathEntries) &&
    value.pathEntries.every(isText)
  );
}
