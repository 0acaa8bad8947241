import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { findExecutable } from "./find-executable.ts";
import { locateLauncher, nodeArguments, type ProgramRequest, settingsEnvironment } from "./run-arguments.ts";

/** How a program ended, as the engine wants to hear it. */
export interface ProgramResult {
  /** Empty when the program did its work. */
  readonly error: string;
  /** The user has already been told what is wrong: the engine stops and adds nothing. */
  readonly bail: boolean;
}

/** Where a program's output goes. */
export interface ProgramOutput {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** The program showed the user what to do before it exited with this code (SDK, `cmd/run`). */
const EXIT_AFTER_ACTIONABLE_MESSAGE = 32;

/** How long a program may go on after an interruption, or its output after its end: the official host's 5 s. */
const GRACE_MS = 5_000;

const OUT_OF_MEMORY_HINT =
  "Detected a possible out of memory error. Consider increasing the memory available to the nodejs process " +
  "by setting the `nodeargs` runtime option in Pulumi.yaml to `nodeargs: --max-old-space-size=<size>` where " +
  "`<size>` is the maximum memory in megabytes that can be allocated to nodejs. " +
  "See https://www.pulumi.com/docs/concepts/projects/project-file/#runtime-options";

/**
 * Runs a program with the Node on PATH and waits for its end, as the official host does
 * (`pulumi-language-nodejs`, `execRuntime`): the host's own working folder and environment, nothing on stdin,
 * output passed on as it comes.
 *
 * An abort of `signal` interrupts the program (SIGINT) and kills it after 5 s. Never rejects: what goes wrong is in
 * the answer's `error`.
 */
export async function runProgram(
  request: ProgramRequest,
  output: ProgramOutput,
  signal: AbortSignal,
): Promise<ProgramResult> {
  try {
    const node = findExecutable("node", process.env.PATH);
    if (node === undefined) return failure("could not find node on the $PATH");
    const args = nodeArguments(request, locateLauncher(request.programDirectory));
    const env = { ...process.env, ...settingsEnvironment(request) };
    return await execute(node, args, env, output, signal);
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  }
}

function failure(error: string): ProgramResult {
  return { error, bail: false };
}

function execute(
  node: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  output: ProgramOutput,
  signal: AbortSignal,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(node, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let outOfMemory = false;
    child.stdout.pipe(output.stdout, { end: false });
    child.stderr.pipe(output.stderr, { end: false });
    child.stderr.on("data", (chunk: Buffer) => {
      outOfMemory ||= chunk.includes("<--- Last few GCs --->");
    });

    let killTimer: NodeJS.Timeout | undefined;
    const interrupt = () => {
      child.kill("SIGINT");
      killTimer ??= setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    };
    if (signal.aborted) interrupt();
    else signal.addEventListener("abort", interrupt, { once: true });

    let drainTimer: NodeJS.Timeout | undefined;
    const finish = (result: ProgramResult) => {
      clearTimeout(killTimer);
      clearTimeout(drainTimer);
      signal.removeEventListener("abort", interrupt);
      resolve(result);
    };
    child.on("error", (error) => {
      finish(failure(`Problem executing program (could not run language executor): ${error.message}`));
    });
    child.on("exit", (code) => {
      // A process that the program left behind may hold its output open for ever.
      drainTimer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        finish(resultOf(code, outOfMemory));
      }, GRACE_MS);
    });
    child.on("close", (code) => finish(resultOf(code, outOfMemory)));
  });
}

/** The engine's view of an exit code; null (ended by a signal) reads as -1, as in the official host. */
function resultOf(code: number | null, outOfMemory: boolean): ProgramResult {
  if (code === 0) return { error: "", bail: false };
  if (code === EXIT_AFTER_ACTIONABLE_MESSAGE) return { error: "", bail: true };
  const hint = outOfMemory ? `. ${OUT_OF_MEMORY_HINT}` : "";
  return failure(`Program exited with non-zero exit code: ${code ?? -1}${hint}`);
}
