/** Runs one command as the official plugin does: what it gets, what is kept of it, how it fails. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { isMap, type PropertyMap, type Value } from "../framework/values.ts";
import { findAssets } from "./globs.ts";

/** Where output goes while the command runs, and what ends it early. */
export interface Surroundings {
  /** Kills the command (only the process itself, as the official plugin does). */
  readonly signal: AbortSignal;
  /** In seconds; 0: none. */
  readonly timeoutSeconds: number;
  /** Shows a line of output to the user. */
  readonly status: (line: string) => void;
}

/** The output of the last run, for the environment of the next one. */
export interface Previous {
  readonly stdout?: Value | undefined;
  readonly stderr?: Value | undefined;
}

/**
 * Runs `command` with the inputs of a Command. Resolves with its stdout, stderr (each without one trailing line
 * break) and assets. Throws, with everything that it printed, when it can't start or doesn't end with 0.
 */
export async function runCommand(
  command: string,
  inputs: PropertyMap,
  previous: Previous,
  surroundings: Surroundings,
): Promise<PropertyMap> {
  const dir = typeof inputs.dir === "string" ? inputs.dir : process.cwd();
  const [program = "", ...args] = [...interpreterOf(inputs), command];
  const collected = collector(inputs.logging, surroundings.status);
  const failure = await execute(
    program,
    args,
    dir,
    environmentOf(inputs, previous),
    inputs.stdin,
    collected,
    surroundings,
  );
  collected.end();
  if (failure !== undefined) throw new Error(`${failure}: running ${quoted(command)}:\n${collected.both()}`);
  const globs = inputs.assetPaths;
  const assets = Array.isArray(globs) ? { assets: findAssets(dir, globs.map(String)) } : {};
  return { stdout: trimmed(collected.stdout()), stderr: trimmed(collected.stderr()), ...assets };
}

function interpreterOf(inputs: PropertyMap): string[] {
  const given = inputs.interpreter;
  return Array.isArray(given) && given.length > 0 ? given.map(String) : ["/bin/sh", "-c"];
}

function environmentOf(inputs: PropertyMap, previous: Previous): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  const given = inputs.environment;
  if (isMap(given)) for (const [name, value] of Object.entries(given)) env[name] = String(value as string);
  if (inputs.addPreviousOutputInEnv === false) return env;
  if (typeof previous.stdout === "string" && previous.stdout !== "")
    env.PULUMI_COMMAND_STDOUT = previous.stdout;
  if (typeof previous.stderr === "string" && previous.stderr !== "")
    env.PULUMI_COMMAND_STDERR = previous.stderr;
  return env;
}

interface Collector {
  add(stream: "stdout" | "stderr", chunk: Buffer): void;
  /** Shows what is left of the last line. */
  end(): void;
  stdout(): string;
  stderr(): string;
  /** Both streams in the order in which they came. */
  both(): string;
}

function collector(logging: Value | undefined, status: (line: string) => void): Collector {
  const chunks: { stream: string; chunk: Buffer }[] = [];
  const shown = (stream: string): boolean =>
    logging === undefined || logging === null || logging === "stdoutAndStderr" || logging === stream;
  let rest = Buffer.alloc(0);
  const text = (stream?: string): string =>
    Buffer.concat(
      chunks.filter((one) => stream === undefined || one.stream === stream).map((one) => one.chunk),
    ).toString();
  return {
    add(stream, chunk) {
      chunks.push({ stream, chunk });
      if (!shown(stream)) return;
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
        status(rest.subarray(0, end).toString().replace(/\r$/, ""));
        rest = rest.subarray(end + 1);
      }
    },
    end() {
      if (rest.length > 0) status(rest.toString());
      rest = Buffer.alloc(0);
    },
    stdout: () => text("stdout"),
    stderr: () => text("stderr"),
    both: () => text(),
  };
}

/** Resolves with what went wrong in Go's words, which the official plugin shows, or undefined. */
async function execute(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  stdin: Value | undefined,
  collected: Collector,
  { signal, timeoutSeconds }: Surroundings,
): Promise<string | undefined> {
  if (signal.aborted) return "context canceled";
  const input = typeof stdin === "string" && stdin !== "" ? stdin : undefined;
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const kill = (): boolean => child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  const timer = timeoutSeconds > 0 ? setTimeout(kill, timeoutSeconds * 1000) : undefined;
  child.stdout?.on("data", (chunk: Buffer) => collected.add("stdout", chunk));
  child.stderr?.on("data", (chunk: Buffer) => collected.add("stderr", chunk));
  // A command that doesn't read all of its input is no fault.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  try {
    return await ended(child, program, cwd);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

function ended(child: ChildProcess, program: string, cwd: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => resolve(startFailure(error, program, cwd)));
    // "close" comes once the process has ended and nobody holds its output open any more.
    child.on("close", (code, ending) => {
      if (ending !== null) resolve(`signal: ${SIGNAL_WORDS[ending] ?? ending}`);
      else resolve(code === 0 ? undefined : `exit status ${code}`);
    });
  });
}

/** Go's words for the signals that a command is likely to die of. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGKILL: "killed",
  SIGTERM: "terminated",
  SIGINT: "interrupt",
  SIGHUP: "hangup",
  SIGPIPE: "broken pipe",
  SIGSEGV: "segmentation fault",
  SIGABRT: "aborted",
  SIGQUIT: "quit",
};

function startFailure(error: NodeJS.ErrnoException, program: string, cwd: string): string {
  if (error.code === "ENOENT" && !existsSync(cwd)) return `chdir ${cwd}: no such file or directory`;
  if (error.code === "ENOENT" && !program.includes("/"))
    return `exec: "${program}": executable file not found in $PATH`;
  const reasons: Record<string, string> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    E2BIG: "argument list too long",
    ENOTDIR: "not a directory",
  };
  return `fork/exec ${program}: ${reasons[error.code ?? ""] ?? error.message}`;
}

function trimmed(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** A text in quotes as Go's %q writes it. */
export function quoted(text: string): string {
  const short: Record<string, string> = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const more: Record<string, string> = { "\u0007": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v" };
  const inner = text.replace(/["\\\p{Cc}]/gu, (letter) => {
    const known = short[letter] ?? more[letter];
    if (known !== undefined) return known;
    const code = letter.codePointAt(0) ?? 0;
    return code < 0x80
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${inner}"`;
}
