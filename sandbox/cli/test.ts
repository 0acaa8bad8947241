/** `npm test`: unit, conformance and end-to-end tests, and their counts at the end. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ensureDocker } from "../engine/ensure.ts";
import { checkout } from "../lifecycle/checkout.ts";
import { prepareToolchain } from "../toolchain/index.ts";
import { UserError } from "./user-error.ts";

/** The parts, and the projects of vitest.config.ts that make up each; those of one part run beside each other. */
const parts: Record<string, readonly string[]> = {
  unit: ["unit"],
  // Hosts that mostly wait for an authority, beside tests that mostly compute.
  conformance: ["conformance", "certificates"],
  // They wait for a host most of the time: two sandboxes take little longer than one.
  e2e: ["e2e", "e2e-apart"],
  edge: ["e2e-edge", "e2e-certificates"],
  releases: ["e2e-releases", "e2e-failures"],
  // It measures, so nothing runs beside it.
  load: ["e2e-load"],
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Each failed test with the first line of its reason, for the end of a long output. */
  readonly failures: readonly string[];
}

/** `npm test -- [unit|conformance|e2e|edge|releases|load] [part of a file's name]` */
export async function run(args: string[]): Promise<number> {
  const [first, ...filters] = args;
  if (first !== undefined && parts[first] === undefined) {
    const names = Object.keys(parts).join("|");
    throw new UserError(`there is no part "${first}".\nusage: npm test [-- ${names} [FILE]]`);
  }
  console.log("preparing: a Docker engine, and the Pulumi toolchain");
  await ensureDocker({ log: console.log });
  await prepareToolchain({ log: console.log });
  let total: Counts = { passed: 0, failed: 0, failures: [] };
  for (const [part, projects] of Object.entries(parts)) {
    if (first !== undefined && first !== part) continue;
    console.log(`\n${part} tests`);
    const started = performance.now();
    const counts = await Promise.all(projects.map((project) => runProject(project, filters)));
    total = [total, ...counts].reduce(sum);
    console.log(`${part}: ${Math.round((performance.now() - started) / 1000)} s`);
  }
  if (total.failures.length > 0) console.log(`\nfailed:\n${total.failures.join("\n")}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function sum(one: Counts, other: Counts): Counts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    failures: [...one.failures, ...other.failures],
  };
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
    return counted(project, report, await vitest(project, args));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitest(project: string, args: readonly string[]): Promise<number> {
  const env = { ...process.env, BOTGARDEN_E2E: project };
  const child = spawn("vitest", args, { cwd: checkout, env, stdio: "inherit" });
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** A part that ends badly without a failed test (a set-up that throws, an unhandled rejection) is a failure too. */
function counted(project: string, report: string, code: number): Counts {
  let counts: Counts = { passed: 0, failed: 0, failures: [] };
  try {
    const result: Report = JSON.parse(readFileSync(report, "utf8"));
    counts = { passed: result.numPassedTests, failed: result.numFailedTests, failures: failures(result) };
  } catch {
    // No report: nothing ran.
  }
  if (code === 0 || counts.failed > 0) return counts;
  return { ...counts, failed: 1, failures: [...counts.failures, `  ${project}: ended with code ${code}`] };
}

function failures(report: Report): string[] {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(checkout, name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && failed.length === 0) return [`  ${file}: ${firstLine(message)}`];
    return failed.map(
      (test) => `  ${file} > ${test.fullName}: ${firstLine(test.failureMessages?.[0] ?? "")}`,
    );
  });
}

function firstLine(text: string): string {
  return (text.split("\n", 1)[0] ?? "").slice(0, 200);
}
