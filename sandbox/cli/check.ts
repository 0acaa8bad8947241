/** `npm run check`: types, lint, format and shell scripts; all at once, in well under a minute. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { ProgramError, run as runProgram } from "../engine/docker.ts";
import { UserError } from "./user-error.ts";

export async function run(): Promise<number> {
  const shell = trackedFiles().filter((file) => file.endsWith(".sh") || isShell(file));
  await ensureShellcheck();
  const checks: [title: string, program: string, args: string[]][] = [
    ["types", "tsc", ["--noEmit"]],
    ["lint", "oxlint", ["--type-aware", "--deny-warnings"]],
    ["format and syntax", "biome", ["check", "--error-on-warnings", "."]],
    ["shell scripts", "shellcheck", shell],
  ];
  const results = await Promise.all(checks.map(([title, program, args]) => check(title, program, args)));
  return results.every(Boolean) ? 0 : 1;
}

async function check(title: string, program: string, args: string[]): Promise<boolean> {
  try {
    await runProgram(program, args);
    console.log(`ok      ${title}`);
    return true;
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    console.log(`FAILED  ${title}\n${error.output}`);
    return false;
  }
}

function trackedFiles(): string[] {
  const list = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { encoding: "utf8" });
  // Also lists what was removed but not committed yet.
  return list.split("\n").filter((file) => file !== "" && existsSync(file));
}

/** Entry points that have a fixed name, like an image's docker-entrypoint. */
function isShell(file: string): boolean {
  return file === ".ci/run";
}

/** Debian and Ubuntu have it as a package; no npm package carries the program itself. */
async function ensureShellcheck(): Promise<void> {
  if (await works("shellcheck", ["--version"])) return;
  if (process.getuid?.() === 0 && (await works("apt-get", ["--version"]))) {
    console.log("installing shellcheck (apt-get)");
    await runProgram("apt-get", ["-qq", "update"]);
    await runProgram("apt-get", ["-qq", "install", "-y", "--no-install-recommends", "shellcheck"]);
    return;
  }
  throw new UserError(
    "npm run check needs shellcheck. Install it: apt-get install shellcheck, or brew install shellcheck",
  );
}

async function works(program: string, args: string[]): Promise<boolean> {
  try {
    await runProgram(program, args);
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}
