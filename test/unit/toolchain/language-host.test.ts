import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder, writeFiles } from "./temporary-folder.ts";

const checkout = resolve(import.meta.dirname, "../../..");

interface Host {
  readonly process: ChildProcessWithoutNullStreams;
  readonly client: LanguageRuntimeClient;
}

/** Starts the language host as the CLI does: through a link of its name, from another folder. */
async function startHost(): Promise<Host> {
  const folder = temporaryFolder();
  const link = join(folder, "pulumi-language-nodejs");
  symlinkSync(join(checkout, "sandbox/toolchain/launch-plugin.sh"), link);
  const child = spawn(link, ["127.0.0.1:1"], { cwd: folder });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const [port]: unknown[] = await once(createInterface({ input: child.stdout }), "line");
  const client = new LanguageRuntimeClient(`127.0.0.1:${String(port)}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return { process: child, client };
}

type Callback<A> = (error: ServiceError | null, answer: A) => void;

function ask<A>(call: (callback: Callback<A>) => unknown): Promise<A> {
  return new Promise((resolve, reject) => {
    call((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

function programInfo(programDirectory: string, options: Record<string, boolean> = { typescript: false }) {
  return new language.ProgramInfo()
    .setProgramDirectory(programDirectory)
    .setRootDirectory(programDirectory)
    .setEntryPoint(".")
    .setOptions(struct.Struct.fromJavaScript(options));
}

test("answers what the CLI asks before it runs a program", async () => {
  const { client } = await startHost();
  const info = await ask<{ getVersion(): string }>((done) => client.getPluginInfo(new empty.Empty(), done));
  expect(info.getVersion()).toBe("3.259.0");

  const about = await ask<language.AboutResponse>((done) =>
    client.about(new language.AboutRequest().setInfo(programInfo(checkout)), done),
  );
  expect(about.getExecutable()).toMatch(/\/node$/);
  expect(about.getVersion()).toBe(process.version);
  expect(about.getMetadataMap().get("packagemanager")).toBe("npm");
  expect(about.getMetadataMap().get("packagemanagerVersion")).toMatch(/^\d+\./);
  expect(about.getMetadataMap().get("typescriptVersion")).toBe("6.0.3");

  const listed = await ask<language.GetProgramDependenciesResponse>((done) =>
    client.getProgramDependencies(
      new language.GetProgramDependenciesRequest().setInfo(programInfo(checkout)),
      done,
    ),
  );
  const dependencies = listed
    .getDependenciesList()
    .map((entry) => `${entry.getName()} ${entry.getVersion()}`);
  expect(dependencies).toContain("@pulumi/command 1.2.1");
  expect(dependencies.some((entry) => entry.startsWith("@grpc/"))).toBe(false);
});

test("refuses by name what it does not have, streaming or not", async () => {
  const { client } = await startHost();
  const refusal = {
    code: status.UNIMPLEMENTED,
    details: expect.stringMatching(/^LanguageRuntime\/Pack: the sand/),
  };
  await expect(
    ask<language.PackResponse>((done) => client.pack(new language.PackRequest(), done)),
  ).rejects.toMatchObject(refusal);

  const stream = client.installDependencies(new language.InstallDependenciesRequest());
  stream.resume();
  const [error]: unknown[] = await once(stream, "error");
  expect(error).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: expect.stringMatching(/^LanguageRuntime\/InstallDependencies: .*npm ci/),
  });
});

test("refuses an option that it can't honour, before the program starts", async () => {
  const { client } = await startHost();
  const request = new language.RunRequest().setInfo(programInfo(checkout, { typescript: true }));
  const response = await ask<language.RunResponse>((done) => client.run(request, done));
  expect(response.getError()).toMatch(/runtime\.options.*does not support typescript: true/);
  expect(response.getBail()).toBe(false);
});

/** A program that never ends by itself, run by a host. */
interface Endless {
  readonly pid: number;
  readonly answer: Promise<language.RunResponse>;
  /** Gives the call up. */
  cancel(): void;
}

async function runEndless({ client }: Host): Promise<Endless> {
  const folder = temporaryFolder();
  const file = join(folder, "pid");
  writeFiles(folder, {
    "node_modules/@pulumi/pulumi/package.json": '{"name":"@pulumi/pulumi","version":"3.0.0"}',
    "node_modules/@pulumi/pulumi/cmd/run/index.js": `
      require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.pid));
      for (;;);
    `,
  });
  const request = new language.RunRequest().setInfo(programInfo(folder)).setParallel(8);
  let cancel = (): void => {};
  const answer = ask<language.RunResponse>((done) => {
    const call = client.run(request, done);
    cancel = () => call.cancel();
  });
  answer.catch(() => {});
  await vi.waitUntil(() => existsSync(file) && readFileSync(file, "utf8") !== "", { timeout: 60_000 });
  return { pid: Number(readFileSync(file, "utf8")), answer, cancel };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("Cancel ends the running program and the host goes on", async () => {
  const host = await startHost();
  const { pid, answer } = await runEndless(host);
  await ask((done) => host.client.cancel(new empty.Empty(), done));
  expect((await answer).getError()).toBe("Program exited with non-zero exit code: -1");
  expect(alive(pid)).toBe(false);
  expect(host.process.exitCode).toBeNull();
});

test("a call that the engine gives up ends its program", async () => {
  const host = await startHost();
  const { pid, cancel } = await runEndless(host);
  cancel();
  await vi.waitUntil(() => !alive(pid), { timeout: 60_000 });
});

test.each(["the engine is gone (stdin closes)", "SIGINT"])("%s: program and host end", async (how) => {
  const host = await startHost();
  const { pid } = await runEndless(host);
  const exited = once(host.process, "exit");
  if (how === "SIGINT") host.process.kill("SIGINT");
  else host.process.stdin.end();
  expect(await exited).toEqual([0, null]);
  expect(alive(pid)).toBe(false);
});
