import { spawn } from "node:child_process";
import type { Connection } from "./connection.ts";

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command line on the host with the given text as standard input, whatever its exit code; 255 is ssh's own, 127 is a
 * missing ssh.
 */
export function runOnHost(connection: Connection, line: string, input: string): Promise<RunResult> {
  const [program, ...args] = connection.freshInterpreter;
  return new Promise((resolve) => {
    const child = spawn(program ?? "ssh", [...args, line], { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 255, stdout, stderr }));
    // The other end may close before it has read everything; its exit code tells what counts.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
