import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import {
  nodeArguments,
  type ProgramRequest,
  settingsEnvironment,
} from "../../../sandbox/plugins/language/run-arguments.ts";
import { runProgram } from "../../../sandbox/plugins/language/run-program.ts";
import { temporaryFolder, writeFiles } from "./temporary-folder.ts";

/** As the recordings have it (01-create, LanguageRuntime/Run). */
const recorded: ProgramRequest = {
  monitorAddress: "127.0.0.1:38569",
  engineAddress: "127.0.0.1:40000",
  organization: "organization",
  project: "probe",
  stack: "dev",
  rootDirectory: "/program",
  programDirectory: "/program",
  entryPoint: ".",
  dryRun: false,
  parallel: 8,
  args: [],
  config: new Map([["probe:host", "192.0.2.10"]]),
  configSecretKeys: ["probe:password"],
  nodeArgs: [],
};

test("the command line is the official host's", () => {
  expect(
    nodeArguments({ ...recorded, nodeArgs: ["--trace-warnings"], dryRun: true, args: ["x"] }, "/run.js"),
  ).toEqual(
    (
      "--trace-warnings /run.js --monitor 127.0.0.1:38569 --engine 127.0.0.1:40000 --organization organization " +
      "--project probe --root-directory /program --stack dev --pwd /program --dry-run --parallel 8 . x"
    ).split(" "),
  );
  expect(nodeArguments({ ...recorded, organization: "" }, "/run.js")).not.toContain("--organization");
});

test("settings get the SDK's old form of keys, secret keys stay", () => {
  const config = new Map([
    ["probe:host", "a:b"],
    ["probe:config:step", "1"],
  ]);
  expect(settingsEnvironment({ config, configSecretKeys: ["probe:host"] })).toEqual({
    PULUMI_CONFIG: '{"probe:config:host":"a:b","probe:config:step":"1"}',
    PULUMI_CONFIG_SECRET_KEYS: '["probe:host"]',
  });
  expect(() => settingsEnvironment({ config: new Map([["host", "x"]]), configSecretKeys: [] })).toThrow(
    /could not parse host as a configuration key/,
  );
});

/** A program's folder whose SDK launcher is the given script. */
function program(launcher: string): ProgramRequest {
  const programDirectory = temporaryFolder();
  writeFiles(programDirectory, {
    "node_modules/@pulumi/pulumi/cmd/run/index.js": launcher,
    "node_modules/@pulumi/pulumi/package.json": '{"name":"@pulumi/pulumi","version":"3.0.0"}',
  });
  return { ...recorded, programDirectory, rootDirectory: programDirectory };
}

async function run(request: ProgramRequest, signal: AbortSignal = new AbortController().signal) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const result = await runProgram(request, { stdout, stderr }, signal);
  stdout.end();
  stderr.end();
  return { ...result, stdout: await text(stdout), stderr: await text(stderr) };
}

test("output, settings and working folder reach and leave the program", async () => {
  const request = program(`
    process.stdout.write(JSON.stringify([process.env.PULUMI_CONFIG, process.cwd(), process.argv.at(-1)]));
    process.stderr.write("on stderr");
  `);
  expect(await run(request)).toEqual({
    error: "",
    bail: false,
    stdout: JSON.stringify(['{"probe:config:host":"192.0.2.10"}', process.cwd(), "."]),
    stderr: "on stderr",
  });
});

test.each([
  ["process.exit(32)", { error: "", bail: true }],
  ["process.exit(7)", { error: "Program exited with non-zero exit code: 7", bail: false }],
  [
    "process.kill(process.pid, 'SIGKILL')",
    { error: "Program exited with non-zero exit code: -1", bail: false },
  ],
])("%s is reported as the official host does", async (launcher, expected) => {
  expect(await run(program(launcher))).toMatchObject(expected);
});

test("a program that runs out of memory gets the advice to give it more", async () => {
  const { error } = await run(program(`console.error("<--- Last few GCs --->"); process.exitCode = 134`));
  expect(error).toMatch(/exit code: 134\. Detected a possible out of memory error.*nodeargs/);
});

test("a folder without the SDK says so", async () => {
  const { error } = await run({ ...recorded, programDirectory: temporaryFolder() });
  expect(error).toBe("It looks like the Pulumi SDK has not been installed. Have you run pulumi install?");
});

test("a PATH without Node says so", async () => {
  vi.stubEnv("PATH", temporaryFolder());
  try {
    expect((await run(program(""))).error).toBe("could not find node on the $PATH");
  } finally {
    vi.unstubAllEnvs();
  }
});

test("an abort interrupts the program, and kills one that does not listen", async () => {
  const request = program(`
    const { writeFileSync } = require("node:fs");
    process.on("SIGINT", () => process.stdout.write("interrupted"));
    setInterval(() => {}, 1000);
    writeFileSync(__dirname + "/ready", String(process.pid));
  `);
  const ready = join(request.programDirectory, "node_modules/@pulumi/pulumi/cmd/run/ready");
  const stop = new AbortController();
  const result = run(request, stop.signal);
  await vi.waitUntil(() => existsSync(ready) && readFileSync(ready, "utf8") !== "", { timeout: 60_000 });
  stop.abort();
  expect(await result).toMatchObject({
    error: "Program exited with non-zero exit code: -1",
    stdout: "interrupted",
  });
  expect(() => process.kill(Number(readFileSync(ready, "utf8")), 0)).toThrow(/ESRCH/);
});
