/** The host of a Pulumi stack: from its plain settings, without its secrets and without a passphrase. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { type Connection, connectionTo, prepareConnection } from "../components/host/connection.ts";
import { formatFaults } from "../settings/fault.ts";
import { hostKeySchema, hostSchema, identityFileSchema } from "../settings/host.ts";
import { check } from "../settings/issues.ts";
import { PINS, pinsSchema } from "../settings/pins.ts";
import { shownPath } from "../settings/shown.ts";
import { NAMESPACE } from "../settings/stack.ts";
import { Failure } from "./failure.ts";

/** What the settings must say so that the host is found; a fault elsewhere keeps nobody from looking at it. */
const hostSettings = z.object({
  host: hostSchema,
  hostKey: hostKeySchema.optional(),
  identityFile: identityFileSchema.optional(),
});

/** The project's folder: Pulumi is asked there, and relative paths of settings start there. */
const project = fileURLToPath(new URL("..", import.meta.url));

/** A stack, as far as the operator's commands need it. */
export interface Stack {
  /** How to reach its host. */
  readonly connection: Connection;
  /** Image ids by bot; see settings/pins.ts. Undefined if the settings have no such section. */
  readonly pins: Readonly<Record<string, string>> | undefined;
  /** What names it to `pulumi`; nothing for the stack that is selected. */
  readonly words: readonly string[];
}

/**
 * Reads a stack's plain settings.
 *
 * @param name without one the stack that is selected
 * @throws Failure
 */
export async function readStack(name: string | undefined): Promise<Stack> {
  const words = name === undefined ? [] : ["--stack", name];
  const { code, stdout, stderr } = await pulumi(["config", "--json", "--non-interactive", ...words]);
  if (code !== 0) throw new Failure(explainPulumi(stderr));
  const connection = connectionTo(readHost(stdout));
  process.chdir(project);
  prepareConnection();
  return { connection, pins: readPins(stdout), words };
}

/** How to reach the host of a stack; see `readStack`. */
export async function connectionOfStack(name: string | undefined): Promise<Connection> {
  return (await readStack(name)).connection;
}

/**
 * @param text what `pulumi config --json` printed; pins that are not right are none, which `pulumi up` will tell
 * @returns undefined if the settings have no section for pins
 */
export function readPins(text: string): Record<string, string> | undefined {
  const all: Record<string, { value?: string }> = JSON.parse(text);
  const section = all[PINS];
  if (section === undefined) return undefined;
  try {
    return pinsSchema.parse(JSON.parse(section.value ?? "{}"));
  } catch {
    return {};
  }
}

/** @param text what `pulumi config --json` printed; @throws Failure */
export function readHost(text: string): z.output<typeof hostSettings> {
  const all: Record<string, { value?: string; secret: boolean }> = JSON.parse(text);
  const prefix = `${NAMESPACE}:`;
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix));
  const hidden = own.find(([key, { secret }]) => secret && key.slice(prefix.length) in hostSettings.shape);
  if (hidden !== undefined) {
    throw new Failure(
      `${hidden[0]} is stored as a secret, and this command reads none. Store it plainly: pulumi config set --plaintext ${hidden[0]} VALUE`,
    );
  }
  const raw = Object.fromEntries(own.map(([key, { value }]) => [key.slice(prefix.length), value]));
  const path = (keys: readonly PropertyKey[]) => `${prefix}${shownPath(keys)}`;
  const { value, faults } = check(hostSettings, raw, {
    where: "stack settings",
    path,
    fix: (keys, example) => `Set it with: pulumi config set ${path(keys)} "${example}"`,
  });
  if (value === undefined) throw new Failure(formatFaults(faults));
  return value;
}

/** Puts what Pulumi said when it did not give the settings into the operator's terms. */
export function explainPulumi(stderr: string): string {
  if (stderr.includes("ENOENT")) {
    return 'there is no pulumi on your PATH. Install the Pulumi CLI (pulumi.com/docs/install); for the sandbox: eval "$(npm run -s sandbox -- env)"';
  }
  const said = stderr
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().replace(/^error: /, ""));
  if (/no stack selected/.test(stderr)) {
    return "no stack is selected. Name one: pulumi stack select NAME, or --stack NAME (pulumi stack ls lists them)";
  }
  if (/no stack named/.test(stderr)) return `${said.join(" ")}. pulumi stack ls lists them`;
  return `pulumi does not give the stack's settings: ${said.join(" ")}`;
}

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface PulumiOptions {
  /** Further variables of its environment. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether the terminal's signals (Ctrl-C) leave it alone; default false. */
  readonly apart?: boolean;
}

/** Runs `pulumi` in the project's folder to its end, and gives what it printed. */
export function pulumi(
  args: readonly string[],
  { variables = {}, apart = false }: PulumiOptions = {},
): Promise<Output> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...variables };
    const child = spawn("pulumi", args, {
      cwd: project,
      stdio: ["ignore", "pipe", "pipe"],
      env,
      detached: apart,
    });
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
  });
}

/**
 * Runs `pulumi` in the project's folder in front of the operator, who sees what it prints and may answer.
 *
 * @param variables further ones of its environment
 * @returns its exit code
 */
export async function showPulumi(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<number> {
  const env = { ...process.env, ...variables };
  return outlivingSignals(
    () =>
      new Promise<number>((resolve) => {
        const child = spawn("pulumi", args, { cwd: project, stdio: "inherit", env });
        child.on("error", () => resolve(127));
        child.on("close", (code) => resolve(code ?? 255));
      }),
  );
}

/**
 * Ctrl-C reaches pulumi as well, which ends in good order; this process goes on, as there is something to do after that.
 *
 * @param work gets a question: whether a signal came until now. One that came late, or to this process alone, leaves no
 *   other trace.
 */
export async function outlivingSignals<T>(work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  let came = false;
  const note = () => {
    came = true;
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, note);
  try {
    return await work(() => came);
  } finally {
    for (const signal of signals) process.off(signal, note);
  }
}
