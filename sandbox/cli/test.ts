/** `npm test`: unit, conformance and end-to-end tests, one after the other, and their counts at the end. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDocker } from "../engine/ensure.ts";
import { checkout } from "../lifecycle/checkout.ts";
import { UserError } from "./user-error.ts";

const parts = ["unit", "conformance", "e2e"];

interface Counts {
  passed: number;
  failed: number;
}

/** `npm test -- [unit|conformance|e2e] [part of a file's name]` */
export async function run(args: string[]): Promise<number> {
  const [first, ...filters] = args;
  if (first !== undefined && !parts.includes(first)) {
    throw new UserError(`there is no part "${first}".\nusage: npm test [-- ${parts.join("|")} [FILE]]`);
  }
  console.log("preparing: a Docker engine");
  await ensureDocker({ log: console.log });
  const total: Counts = { passed: 0, failed: 0 };
  for (const part of first === undefined ? parts : [first]) {
    console.log(`\n${part} tests`);
    const started = performance.now();
    const counts = await runPart(part, filters);
    total.passed += counts.passed;
    total.failed += counts.failed;
    console.log(`${part}: ${Math.round((performance.now() - started) / 1000)} s`);
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

async function runPart(part: string, filters: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "botgarden-test-"));
  const report = join(folder, "report.json");
  try {
    // The end-to-end tests take minutes: each is told when it ends.
    const reporters = [
      `--reporter=${part === "e2e" ? "verbose" : "default"}`,
      "--reporter=json",
      `--outputFile.json=${report}`,
    ];
    const code = await vitest(["run", "--project", part, ...reporters, ...filters]);
    return counted(report, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitest(args: readonly string[]): Promise<number> {
  const child = spawn("vitest", args, { cwd: checkout, stdio: "inherit" });
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

/** A part that ends badly without a failed test (a set-up that throws, an unhandled rejection) is a failure too. */
function counted(report: string, code: number): Counts {
  let passed = 0;
  let failed = 0;
  try {
    const result: { numPassedTests: number; numFailedTests: number } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    passed = result.numPassedTests;
    failed = result.numFailedTests;
  } catch {
    // No report: nothing ran.
  }
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) };
}
