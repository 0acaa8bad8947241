import { join } from "node:path";
import type { Garden } from "./garden.ts";
import { type Run, runProgram } from "./run.ts";

/** Runs one of the operator's commands (`npm run COMMAND -- …`) on the sandbox's stack, whatever its exit code. */
export function operate(garden: Garden, ...args: string[]): Promise<Run> {
  const main = join(garden.project, "operations/main.ts");
  return runProgram(process.execPath, [main, ...args], { cwd: garden.project, env: garden.environment });
}
