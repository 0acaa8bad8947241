import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** The folders that the toolchain uses; all absolute. */
export interface ToolchainPaths {
  /** Root of this checkout. */
  readonly checkout: string;
  /** Folder of everything that botgarden keeps outside of its repositories. */
  readonly cache: string;
  /** Command-line programs, shared by all checkouts of this user. */
  readonly clis: string;
  /** What belongs to this checkout alone: the remembered choice, the stand-ins, their PULUMI_HOME. */
  readonly own: string;
}

/**
 * Where things are kept: `$XDG_CACHE_HOME/botgarden`, or `~/.cache/botgarden` when that variable is empty or relative
 * (XDG base directory specification).
 */
export function toolchainPaths(
  environment: NodeJS.ProcessEnv = process.env,
  checkout: string = resolve(import.meta.dirname, "../.."),
): ToolchainPaths {
  const given = environment.XDG_CACHE_HOME ?? "";
  const base = isAbsolute(given) ? given : join(environment.HOME || homedir(), ".cache");
  const cache = join(base, "botgarden");
  const key = createHash("sha256").update(checkout).digest("hex").slice(0, 12);
  return { checkout, cache, clis: join(cache, "pulumi"), own: join(cache, "checkouts", key, "pulumi") };
}
