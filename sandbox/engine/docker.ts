/** Runs the operator's `docker` command line (and other programs) with one clear error when it fails. */
import { spawn } from "node:child_process";

/** What `run` takes besides the program and its arguments. */
export interface RunOptions {
  /** Goes to the program's standard input; secrets travel here, never in the arguments. */
  input?: string | Buffer;
  /** Milliseconds after which the program is killed and the call fails. Default: none. */
  timeout?: number;
  /** Called for each line that the program prints on either stream. */
  log?: (line: string) => void;
  /** Default: this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** Default: this process's folder. */
  cwd?: string;
}

/** A program that could not be started (code null) or ended with an error. */
export class ProgramError extends Error {
  readonly code: number | null;
  /** All that it printed, standard output first. */
  readonly output: string;
  constructor(program: string, code: number | null, output: string) {
    const said = output.trim().split("\n").slice(-12).join("\n");
    super(`${program} failed${code === null ? "" : ` with code ${code}`}: ${said || "it said nothing"}`);
    this.name = "ProgramError";
    this.code = code;
    this.output = output;
  }
}

/** Runs a program to its end and gives what it printed on standard output; throws {@link ProgramError}. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout, killSignal: "SIGKILL" as const }),
    });
    const title = [program, ...args.slice(0, 2)].join(" ");
    let stdout = "";
    let stderr = "";
    const outLines = lineSplitter(options.log);
    const errorLines = lineSplitter(options.log);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      outLines(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      errorLines(text);
    });
    // A program that ends before it has read its input is told by its code, not by the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input);
    child.on("error", (error) => reject(new ProgramError(title, null, error.message)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else if (signal) reject(new ProgramError(title, null, `${stdout}${stderr}\nended by ${signal}`));
      else reject(new ProgramError(title, code, stdout + stderr));
    });
  });
}

function lineSplitter(log: ((line: string) => void) | undefined): (text: string) => void {
  let rest = "";
  return (text) => {
    if (!log) return;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) log(line);
  };
}

/** Runs `docker` against the operator's engine and gives what it printed, without the last line end. */
export async function docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await run("docker", args, options)).trimEnd();
}

/** Like {@link docker}, but undefined instead of an error. */
export async function dockerOrNothing(
  args: readonly string[],
  options: RunOptions = {},
): Promise<string | undefined> {
  try {
    return await docker(args, options);
  } catch (error) {
    if (error instanceof ProgramError) return undefined;
    throw error;
  }
}

/** Like {@link docker} for an inspection of what others may remove meanwhile: tells of what is left, and what is gone. */
export async function dockerInspect(args: readonly string[]): Promise<string> {
  try {
    return await docker(args);
  } catch (error) {
    if (error instanceof ProgramError && /no such|not found/i.test(error.output)) return error.output;
    throw error;
  }
}

/** Like {@link docker} for commands that list one thing a line. */
export async function dockerLines(args: readonly string[]): Promise<string[]> {
  return (await docker(args)).split("\n").filter((line) => line !== "");
}

/** The label that everything of a sandbox carries, so that it is found again after a killed run. */
export function sandboxLabel(sandboxId: string): string {
  return `botgarden.sandbox=${sandboxId}`;
}
