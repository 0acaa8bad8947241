import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a command is run. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Gets every line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void;
}

/** How a command ended. */
export interface CommandResult {
  /** Exit code; -1 when it did not run or a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  /** The last lines of both outputs, for a message to the user. */
  readonly tail: string;
}

const TAIL_LINES = 15;

/** Runs a command to its end with nothing on stdin. Never rejects. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const out: string[] = [];
    const tail: string[] = [];
    const take = (line: string): void => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      options.onLine?.(line);
    };
    createInterface({ input: child.stdout }).on("line", (line) => {
      out.push(line);
      take(line);
    });
    createInterface({ input: child.stderr }).on("line", take);
    child.on("error", (error) => resolve({ code: -1, stdout: "", tail: error.message }));
    child.on("close", (code) => resolve({ code: code ?? -1, stdout: out.join("\n"), tail: tail.join("\n") }));
  });
}
