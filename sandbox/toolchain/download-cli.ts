import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runCommand } from "./run-command.ts";
import type { Log } from "./toolchain.ts";
import { ToolchainError } from "./toolchain-error.ts";

/** Where the vendor publishes the CLI and, per version, a list of SHA-256 sums (pulumi/pulumi, sign.yml). */
export const VENDOR = "https://get.pulumi.com/releases/sdk";

/** How long it may take to find out that the vendor can't be reached. */
const ANSWER_MS = 5_000;

/** How long the whole archive (about 150 MB) may take. */
const ARCHIVE_MS = 15 * 60_000;

const PLATFORMS: Readonly<Record<string, string>> = {
  "linux x64": "linux-x64",
  "linux arm64": "linux-arm64",
  "darwin x64": "darwin-x64",
  "darwin arm64": "darwin-arm64",
};

/** What to download, and where to. */
export interface Download {
  readonly version: string;
  /** Folder that the CLIs are kept in. */
  readonly clis: string;
  readonly log: Log;
  /** {@link VENDOR}, or a test's own server. */
  readonly vendor?: string;
  /** `process.platform` and `process.arch`, with a blank between. */
  readonly platform?: string;
}

/** The vendor's list of sums for a version. Throws ToolchainError when it can't be had within 5 seconds. */
export async function vendorChecksums(version: string, vendor: string = VENDOR): Promise<string> {
  try {
    const response = await fetch(`${vendor}/pulumi-${version}-checksums.txt`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.text();
  } catch (error) {
    throw new ToolchainError(`${new URL(vendor).host} can't be reached (${reasonOf(error)})`);
  }
}

/**
 * Puts the official CLI and the plugins that come with it into a folder of its version, and returns that folder.
 * Does nothing when it is there. An archive whose sum is not the published one is never unpacked.
 *
 * @throws ToolchainError saying why it could not be had.
 */
export async function downloadCli(download: Download): Promise<string> {
  const { version, clis, log, vendor = VENDOR } = download;
  const folder = join(clis, `official-v${version}`);
  if (existsSync(join(folder, "pulumi"))) return folder;

  const key = download.platform ?? `${process.platform} ${process.arch}`;
  const platform = PLATFORMS[key];
  if (platform === undefined) throw new ToolchainError(`there is no official CLI for ${key}`);
  const archive = `pulumi-v${version}-${platform}.tar.gz`;
  const sum = sumOf(archive, await vendorChecksums(version, vendor));

  mkdirSync(clis, { recursive: true });
  const work = mkdtempSync(join(clis, "download-"));
  try {
    log(`Downloading the Pulumi CLI ${version} (about 150 MB)`);
    await fetchChecked(`${vendor}/${archive}`, join(work, archive), sum);
    const unpacked = await runCommand("tar", ["-xzf", archive], { cwd: work });
    if (unpacked.code !== 0) throw new ToolchainError(`${archive} could not be unpacked: ${unpacked.tail}`);
    // Another checkout may have been faster; its result is the same.
    if (!existsSync(folder)) renameSync(join(work, "pulumi"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

function sumOf(archive: string, checksums: string): string {
  for (const line of checksums.split("\n")) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === archive && sum !== undefined && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  throw new ToolchainError(`the vendor publishes no checksum for ${archive}`);
}

async function fetchChecked(url: string, path: string, sum: string): Promise<void> {
  const hash = createHash("sha256");
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ARCHIVE_MS) });
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    await pipeline(
      Readable.fromWeb(response.body),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(path),
    );
  } catch (error) {
    throw new ToolchainError(`${url} could not be downloaded (${reasonOf(error)})`);
  }
  const found = hash.digest("hex");
  if (found !== sum)
    throw new ToolchainError(`${url} has the SHA-256 ${found} instead of the published ${sum}`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  return error.cause instanceof Error ? error.cause.message : error.message;
}
