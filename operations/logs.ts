/**
 * `npm run logs -- BOT`: what a bot or a part of the garden writes, on standard output and error as it wrote it. Ends with 0,
 * with 1 if there is no such thing (any more), with 2 if nobody could look.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Connection } from "../components/host/connection.ts";
import { quote } from "../components/host/shell.ts";
import { explainSsh } from "../components/host/ssh-error.ts";
import { Failure } from "./failure.ts";
import { connectionOfStack } from "./stack.ts";

const usage = `usage: npm run logs -- NAME [OPTIONS]
  NAME            a bot; or edge, postgres, certbot; or the name of a container of the garden
  -f, --follow    goes on until Ctrl-C, over restarts and releases
  --lines N       the last N lines, or all (default 100)
  --stack NAME    a stack that is not the selected one`;

export async function run(args: string[]): Promise<number> {
  const options = optionsOf(args);
  if (options === "help") {
    console.log(usage);
    return 0;
  }
  return showLog(await connectionOfStack(options.stack), options);
}

interface LogOptions {
  readonly name: string;
  /** A number, or `all`. */
  readonly lines: string;
  readonly follow: boolean;
}

/** @throws Failure if the host cannot be asked */
async function showLog(connection: Connection, { name, lines, follow }: LogOptions): Promise<number> {
  const { code, said, interrupted } = await runScript(connection, [
    name,
    lines,
    ...(follow ? ["follow"] : []),
  ]);
  if (interrupted) return 0;
  switch (code) {
    case 0:
      return 0;
    // logs.sh has told why.
    case 3:
    case 4:
      return 1;
    default:
      throw new Failure(explainSsh({ code, stdout: "", stderr: said }, connection.label).message);
  }
}

interface Ended {
  readonly code: number;
  /** The end of what came on standard error. */
  readonly said: string;
  /** Whether the operator ended it, with Ctrl-C or by closing what he read with. */
  readonly interrupted: boolean;
}

function runScript(connection: Connection, words: readonly string[]): Promise<Ended> {
  const text = readFileSync(new URL("logs.sh", import.meta.url), "utf8");
  const [program = "ssh", ...args] = connection.freshInterpreter;
  const line = `${connection.asRoot}bash -s -- ${words.map(quote).join(" ")}`;
  return new Promise((resolve) => {
    const child = spawn(program, [...args, line], { stdio: ["pipe", "inherit", "pipe"] });
    let said = "";
    let interrupted = false;
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said = (said + chunk).slice(-4096);
      process.stderr.write(chunk);
    });
    child.stdin.on("error", () => {});
    // Left open: its end tells logs.sh that nobody reads any more.
    child.stdin.write(text);
    if (!words.includes("follow")) child.stdin.end();
    // Ctrl-C reaches ssh as well. Other signals may come to this process alone.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        interrupted = true;
        child.kill("SIGTERM");
      });
    }
    child.on("error", (error) => resolve({ code: 127, said: error.message, interrupted }));
    child.on("close", (code) => {
      // `| head` has enough.
      const closed = /broken pipe/i.test(said);
      resolve({ code: code ?? 255, said, interrupted: interrupted || closed });
    });
  });
}

function optionsOf(args: string[]): "help" | (LogOptions & { readonly stack: string | undefined }) {
  const { values, positionals } = parse(args);
  const [name, ...more] = positionals;
  if (values.help) return "help";
  if (name === undefined || more.length > 0) throw new Failure(`give one name\n${usage}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw new Failure(`"${name}" is not a name\n${usage}`);
  if (!/^(\d{1,9}|all)$/.test(values.lines)) {
    throw new Failure(`--lines takes a number or all, not "${values.lines}"`);
  }
  return { name, lines: values.lines, follow: values.follow, stack: values.stack };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        follow: { type: "boolean", short: "f", default: false },
        lines: { type: "string", default: "100" },
        stack: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : "wrong options"}\n${usage}`);
  }
}
