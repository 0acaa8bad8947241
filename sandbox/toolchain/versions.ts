import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ToolchainError } from "./toolchain-error.ts";

/** The version of the SDK, which the CLI must have too, and of each provider plugin, by name. */
export interface Versions {
  readonly sdk: string;
  readonly plugins: Readonly<Record<string, string>>;
}

const PLUGINS = ["docker", "command", "random", "tls"] as const;

/**
 * Reads the versions of the installed npm packages, so that nothing names them twice.
 *
 * @throws ToolchainError when one of them is not installed.
 */
export function installedVersions(checkout: string): Versions {
  return {
    sdk: installedVersion(checkout, "pulumi"),
    plugins: Object.fromEntries(PLUGINS.map((name) => [name, installedVersion(checkout, name)])),
  };
}

function installedVersion(checkout: string, name: string): string {
  const path = join(checkout, "node_modules/@pulumi", name, "package.json");
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
      if (typeof manifest.version === "string") return manifest.version;
    }
  } catch {
    // Told below.
  }
  throw new ToolchainError(
    `The npm package @pulumi/${name} is not installed in ${checkout}: run npm ci there.`,
  );
}

/** A released version as numbers; undefined for anything else. Takes a leading `v`. */
export function parseVersion(text: string): readonly [number, number, number] | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)(?:[-+]|$)/.exec(text.trim()) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/** Whether a CLI can run programs on an SDK: the same major version, and not older. */
export function cliServes(cli: string, sdk: string): boolean {
  const [a, b] = [parseVersion(cli), parseVersion(sdk)];
  if (a === undefined || b === undefined || a[0] !== b[0]) return false;
  return a[1] > b[1] || (a[1] === b[1] && a[2] >= b[2]);
}
