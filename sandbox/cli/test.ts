/** `npm test`: unit, conformance and end-to-end tests, and their counts at the end. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDocker } from "../engine/ensure.ts";
import { checkout } from "../lifecycle/checkout.ts";
import { prepareToolchain } from "../toolchain/index.ts";
import { UserError } from "./user-error.ts";

/** The parts, and the projects of vitest.config.ts that make up each; those of one part run beside each other. */
const parts: Record<string, readonly string[]> = {
  unit: ["unit"],
  conformance: ["conformance"],
  // They wait for a host most of the time: two sandboxes take little longer than one.
  e2e: ["e2e", "e2e-apart"],
  edge: ["e2e-edge", "e2e-certificates"],
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** `npm test -- [unit|conformance|e2e|edge] [part of a file's name]` */
export async function run(args: string[]): Promise<number> {
  const [first, ...filters] = args;
  if (first !== undefined && parts[first] === undefined) {
    const names = Object.keys(parts).join("|");
    throw new UserError(`there is no part "${first}".\nusage: npm test [-- ${names} [FILE]]`);
  }
  console.log("preparing: a Docker engine, and the Pulumi toolchain");
  await ensureDocker({ log: console.log });
  await prepareToolchain({ log: console.log });
  let total: Counts = { passed: 0, failed: 0 };
  for (const [part, projects] of Object.entries(parts)) {
    if (first !== undefined && first !== part) continue;
    console.log(`\n${part} tests`);
    const started = performance.now();
    const counts = await Promise.all(projects.map((project) => runProject(project, filters)));
    total = [total, ...counts].reduce(sum);
    console.log(`${part}: ${Math.round((performance.now() - started) / 1000)} s`);
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function sum(one: Counts, other: Counts): Counts {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

async function runProject(project: string, filters: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "botgarden-test-"));
  const report = join(folder, "report.json");
  try {
    const args = ["run", "--project", project, `--maxWorkers=${availableParallelism()}`];
    // Each end-to-end test is told when it ends; of the others only the files.
    args.push(`--reporter=${project.startsWith("e2e") ? "verbose" : "default"}`);
    args.push("--reporter=json", `--outputFile.json=${report}`);
    if (filters.length > 0) args.push("--passWithNoTests", ...filters);
    return counted(report, await vitest(project, args));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitest(project: string, args: readonly string[]): Promise<number> {
  const env = { ...process.env, BOTGARDEN_E2E: project };
  const child = spawn("vitest", args, { cwd: checkout, env, stdio: "inherit" });
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

/** A part that ends badly without a failed test (a set-up that throws, an unhandled rejection) is a failure too. */
function counted(report: string, code: number): Counts {
  let counts: Counts = { passed: 0, failed: 0 };
  try {
    const result: { numPassedTests: number; numFailedTests: number } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    counts = { passed: result.numPassedTests, failed: result.numFailedTests };
  } catch {
    // No report: nothing ran.
  }
  return code === 0 ? counts : { ...counts, failed: Math.max(counts.failed, 1) };
}
