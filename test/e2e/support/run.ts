import { type ChildProcess, spawn } from "node:child_process";

/** What a program printed on both streams, and its exit code. */
export interface Run {
  readonly code: number;
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** Hears each piece of output, with the process that printed it. */
  readonly watch?: (text: string, child: ChildProcess) => void;
  /** Gets the process when it has begun. It has a process group of its own, so that all of it can be killed. */
  readonly begun?: (child: ChildProcess) => void;
}

/** Runs a program to its end; a signal counts as code 255. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { cwd, env, input, watch, begun } = options;
  return new Promise((resolve, reject) => {
    const detached = begun !== undefined;
    const child = spawn(program, args, { cwd, env, detached, stdio: ["pipe", "pipe", "pipe"] });
    begun?.(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        watch?.(text, child);
      });
    }
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 255, output }));
  });
}
