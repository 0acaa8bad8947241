import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ToolchainError } from "./toolchain-error.ts";
import type { Versions } from "./versions.ts";

/** Where the stand-ins of a checkout have been put. */
export interface StandIns {
  /** The CLI, with the language host beside it. */
  readonly cli: string;
  /** The PULUMI_HOME that holds the provider plugins. */
  readonly home: string;
}

/**
 * Makes a CLI of this checkout's own, with the stand-in language host beside it, and a PULUMI_HOME with the stand-in
 * plugins. Both are links to the checkout, so a changed stand-in needs no installation. Can be repeated.
 *
 * The CLI looks for its language host beside the file that it was started as, after links have been followed: hence
 * a hard link (or a copy, on another file system) and not a symbolic one.
 *
 * @throws ToolchainError when the checkout lacks a stand-in.
 */
export function installStandIns(
  builtCli: string,
  own: string,
  checkout: string,
  versions: Versions,
): StandIns {
  const launcher = join(checkout, "sandbox/toolchain/launch-plugin.sh");
  for (const name of ["language", ...Object.keys(versions.plugins)]) {
    if (!existsSync(join(checkout, "sandbox/plugins", name, "main.ts"))) {
      throw new ToolchainError(
        `this checkout has no stand-in for the plugin ${name} (sandbox/plugins/${name})`,
      );
    }
  }

  const cli = join(own, "bin/pulumi");
  sameFile(builtCli, cli);
  sameLink(launcher, join(own, "bin/pulumi-language-nodejs"));

  const home = join(own, "home");
  const wanted = new Map(
    Object.entries(versions.plugins).map(([name, version]) => [`resource-${name}-v${version}`, name]),
  );
  for (const [folder, name] of wanted) {
    sameLink(launcher, join(home, "plugins", folder, `pulumi-resource-${name}`));
  }
  // Of another version the CLI might take one for what the program asks.
  for (const entry of readdirSync(join(home, "plugins"), { withFileTypes: true })) {
    if (entry.isDirectory() && !wanted.has(entry.name)) {
      rmSync(join(home, "plugins", entry.name), { recursive: true });
    }
  }
  return { cli, home };
}

function sameFile(from: string, to: string): void {
  const [source, target] = [statSync(from), statSync(to, { throwIfNoEntry: false })];
  if (target?.ino === source.ino || (target?.size === source.size && target.mtimeMs >= source.mtimeMs))
    return;
  replace(to, (partial) => {
    try {
      linkSync(from, partial);
    } catch {
      copyFileSync(from, partial);
    }
  });
}

function sameLink(target: string, link: string): void {
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() && readlinkSync(link) === target) return;
  replace(link, (partial) => symlinkSync(target, partial));
}

function replace(path: string, make: (partial: string) => void): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.partial.${process.pid}`;
  rmSync(partial, { force: true });
  make(partial);
  renameSync(partial, path);
}
