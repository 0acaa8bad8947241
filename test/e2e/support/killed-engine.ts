import type { ChildProcess } from "node:child_process";
import type { Garden } from "./garden.ts";
import { type Run, runProgram } from "./run.ts";

/** Begins a `pulumi up`. The engine leads a process group, so that it can be killed with all that it started. */
export function beginUp(garden: Garden): { readonly engine: ChildProcess; readonly run: Promise<Run> } {
  const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--color=never"];
  let engine: ChildProcess | undefined;
  const run = runProgram(garden.state.toolchain.cli, args, {
    cwd: garden.project,
    env: garden.environment,
    begun: (child) => {
      engine = child;
    },
  });
  if (engine === undefined) throw new Error("pulumi was not begun");
  return { engine, run };
}

/** What README tells to do after a `pulumi up` that was killed, before the next. */
export async function unlockStack(garden: Garden): Promise<void> {
  await garden.pulumi("cancel", "--yes");
}
