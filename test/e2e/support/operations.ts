import { join } from "node:path";
import type { Garden } from "./garden.ts";
import { type Run, type RunOptions, runProgram } from "./run.ts";

/** Runs one of the operator's commands (`npm run COMMAND -- …`) on the sandbox's stack, whatever its exit code. */
export function operate(garden: Garden, ...args: string[]): Promise<Run> {
  return start(garden, args);
}

/** Begins one. Like a terminal's job it leads a process group, `pid`, so that it can be interrupted with all that it started. */
export function beginOperation(
  garden: Garden,
  ...args: string[]
): { readonly pid: number; readonly run: Promise<Run> } {
  let pid: number | undefined;
  const run = start(garden, args, {
    begun: (child) => {
      pid = child.pid;
    },
  });
  if (pid === undefined) throw new Error("the command was not begun");
  return { pid, run };
}

/** Runs one, and presses Ctrl-C, as a terminal does for all that it started, as soon as it has said `said`. */
export function operateUntil(garden: Garden, said: string, ...args: string[]): Promise<Run> {
  let heard = "";
  let pressed = false;
  return start(garden, args, {
    begun: () => {},
    watch: (text, { pid }) => {
      heard += text;
      if (pressed || pid === undefined || !heard.includes(said)) return;
      pressed = true;
      process.kill(-pid, "SIGINT");
    },
  });
}

function start(garden: Garden, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const main = join(garden.project, "operations/main.ts");
  const { project: cwd, environment: env } = garden;
  return runProgram(process.execPath, [main, ...args], { cwd, env, ...options });
}
