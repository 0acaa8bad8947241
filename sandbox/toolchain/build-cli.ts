import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findOnPath } from "./cli-on-path.ts";
import { runCommand } from "./run-command.ts";
import type { Log } from "./toolchain.ts";
import { ToolchainError } from "./toolchain-error.ts";

/** What to build, and where to. */
export interface Build {
  readonly version: string;
  /** Folder that the CLIs are kept in. */
  readonly clis: string;
  readonly cache: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** The oldest Go that can fetch the newer one that go.mod asks for (Go 1.21 brought toolchain switching). */
const OLDEST_GO_MINOR = 21;

/** How often a build says how far it is. */
const PROGRESS_MS = 20_000;

/** Go's installer puts it here and leaves PATH to the user. */
const USUAL_GO = "/usr/local/go/bin/go";

/**
 * Builds the CLI from its Go module (go.mod beside this file; design, decision 9) and returns its path. Does nothing
 * when it has been built; one build at a time on a machine; an interrupted one leaves nothing that is used.
 *
 * @throws ToolchainError when there is no Go, or with the compiler's last lines.
 */
export async function buildCli(build: Build): Promise<string> {
  const { version, clis, log } = build;
  const target = join(clis, `built-v${version}`, "pulumi");
  if (existsSync(target)) return target;

  const env = await goEnvironment(build);
  mkdirSync(dirname(target), { recursive: true });
  log(`Building the Pulumi CLI ${version} from its Go module (once; about 4 minutes on 2 cores)`);
  const script = [join(import.meta.dirname, "build-cli.sh"), target, version];
  // Without flock (macOS) two builds at once cost time and harm nothing.
  const locked = findOnPath("flock", build) !== undefined;
  const [command = "", ...args] = locked ? ["flock", join(clis, "build.lock"), ...script] : script;

  let lines = 0;
  const started = Date.now();
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    log(
      lines === 0
        ? `Waiting for another build of the Pulumi CLI (${seconds} s)`
        : `Building the Pulumi CLI: ${lines} steps done (${seconds} s)`,
    );
  }, PROGRESS_MS);
  const onLine = (): void => {
    lines++;
  };
  const result = await runCommand(command, args, { cwd: import.meta.dirname, env, onLine });
  clearInterval(progress);
  if (result.code !== 0 || !existsSync(target)) {
    throw new ToolchainError(`the Pulumi CLI could not be built from its Go module:\n${result.tail}`);
  }
  return target;
}

async function goEnvironment({ environment, cache }: Build): Promise<NodeJS.ProcessEnv> {
  const go = findOnPath("go", { environment, cache }) ?? (existsSync(USUAL_GO) ? USUAL_GO : undefined);
  const installGo =
    `install Go 1.${OLDEST_GO_MINOR} or newer (Debian 13, Ubuntu 24.04 and newer: apt-get install golang-go; ` +
    "elsewhere see https://go.dev/dl), or install Pulumi (https://www.pulumi.com/docs/install)";
  if (go === undefined) {
    throw new ToolchainError(`the Pulumi CLI can't be built, because Go is not installed: ${installGo}`);
  }
  const { stdout } = await runCommand(go, ["env", "GOVERSION"], { cwd: "/", env: environment });
  const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1] ?? 0);
  if (minor < OLDEST_GO_MINOR) {
    throw new ToolchainError(
      `the Pulumi CLI can't be built, because ${go} is ${stdout || "no working Go"}: ${installGo}`,
    );
  }
  return {
    ...environment,
    PATH: `${dirname(go)}:${environment.PATH ?? ""}`,
    // Debian's Go never switches by itself; an older one must fetch the version that go.mod names.
    ...(minor < goModMinor() ? { GOTOOLCHAIN: "auto" } : {}),
  };
}

/** The x of the Go version 1.x that go.mod asks for. */
function goModMinor(): number {
  const text = readFileSync(join(import.meta.dirname, "go.mod"), "utf8");
  return Number(/^go 1\.(\d+)/m.exec(text)?.[1] ?? 0);
}
