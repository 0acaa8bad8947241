import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServerUnaryCall,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { describeRuntime } from "./about.ts";
import { parseRuntimeOptions } from "./options.ts";
import { programDependencies } from "./program-dependencies.ts";
import { findRequiredPackages } from "./required-packages.ts";
import type { ProgramRequest } from "./run-arguments.ts";
import { type ProgramOutput, runProgram } from "./run-program.ts";

/** What the service needs to know about the process it lives in. */
export interface LanguageHost {
  /** Address of the engine, given on the command line; empty until `Handshake` when started by hand. */
  engineAddress: string;
  /** The version that `GetPluginInfo` answers. */
  readonly version: string;
  readonly output: ProgramOutput;
  /** Aborted when running programs must end: `Cancel`, or the engine has gone. */
  readonly stop: AbortController;
  /** The programs that run now; this process must not end before them. */
  readonly running: Set<Promise<unknown>>;
}

/**
 * The methods of `pulumirpc.LanguageRuntime` that the CLI needs for up, preview, refresh, destroy and about. Every
 * other method is refused by its name.
 */
export function languageRuntime(host: LanguageHost): UntypedServiceImplementation {
  const known: UntypedServiceImplementation = {
    handshake: answer<language.LanguageHandshakeRequest, language.LanguageHandshakeResponse>((call) => {
      host.engineAddress = call.request.getEngineAddress();
      return new language.LanguageHandshakeResponse();
    }),
    getPluginInfo: answer<empty.Empty, plugin.PluginInfo>(() => {
      return new plugin.PluginInfo().setVersion(host.version);
    }),
    getRequiredPackages: answer<language.GetRequiredPackagesRequest, language.GetRequiredPackagesResponse>(
      (call) => requiredPackages(call.request, host.output),
    ),
    about: answer<language.AboutRequest, language.AboutResponse>((call) => about(call.request)),
    getProgramDependencies: answer<
      language.GetProgramDependenciesRequest,
      language.GetProgramDependenciesResponse
    >((call) => dependencies(call.request)),
    run: answer<language.RunRequest, language.RunResponse>((call) => run(call, host)),
    cancel: answer<empty.Empty, empty.Empty>(() => {
      host.stop.abort();
      return new empty.Empty();
    }),
  };
  const refused = Object.entries(LanguageRuntimeService)
    .filter(([name]) => !(name in known))
    .map(([name, method]) => [name, refuse(method)] as const);
  return { ...known, ...Object.fromEntries(refused) };
}

function answer<Q, A>(handle: (call: ServerUnaryCall<Q, A>) => A | Promise<A>): handleUnaryCall<Q, A> {
  return (call, callback) => {
    const handled = (async () => await handle(call))();
    handled.then(
      (response) => callback(null, response),
      (error: unknown) => {
        callback({ code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) });
      },
    );
  };
}

/** Answers a method, streaming or not, with UNIMPLEMENTED and its name. */
function refuse({ path, responseStream }: MethodDefinition<unknown, unknown>): UntypedHandleCall {
  const error = {
    code: status.UNIMPLEMENTED,
    details:
      `${path.replace("/pulumirpc.", "")}: the sandbox's stand-in for pulumi-language-nodejs does not have ` +
      "this method (to install a program's packages, use npm ci)",
  };
  if (responseStream) {
    const stream: handleServerStreamingCall<unknown, unknown> = (call) => call.emit("error", error);
    return stream;
  }
  const unary: handleUnaryCall<unknown, unknown> = (_, callback) => callback(error);
  return unary;
}

function optionsOf(info: language.ProgramInfo | undefined) {
  return parseRuntimeOptions(info?.getOptions()?.toJavaScript() ?? {});
}

function directoryOf(info: language.ProgramInfo | undefined): string {
  return info?.getProgramDirectory() ?? "";
}

function requiredPackages(
  request: language.GetRequiredPackagesRequest,
  output: ProgramOutput,
): language.GetRequiredPackagesResponse {
  const { packages, problems } = findRequiredPackages(directoryOf(request.getInfo()));
  for (const problem of problems) output.stderr.write(`${problem}\n`);
  return new language.GetRequiredPackagesResponse().setPackagesList(
    packages.map(({ name, version, server }) =>
      new plugin.PackageDependency().setName(name).setKind("resource").setVersion(version).setServer(server),
    ),
  );
}

async function about(request: language.AboutRequest): Promise<language.AboutResponse> {
  optionsOf(request.getInfo());
  const { executable, version, metadata } = await describeRuntime(directoryOf(request.getInfo()));
  const response = new language.AboutResponse().setExecutable(executable).setVersion(version);
  for (const [key, value] of Object.entries(metadata)) response.getMetadataMap().set(key, value);
  return response;
}

function dependencies(
  request: language.GetProgramDependenciesRequest,
): language.GetProgramDependenciesResponse {
  optionsOf(request.getInfo());
  const found = programDependencies(directoryOf(request.getInfo()), request.getTransitivedependencies());
  return new language.GetProgramDependenciesResponse().setDependenciesList(
    found.map(({ name, version }) => new language.DependencyInfo().setName(name).setVersion(version)),
  );
}

async function run(
  call: ServerUnaryCall<language.RunRequest, language.RunResponse>,
  host: LanguageHost,
): Promise<language.RunResponse> {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort());
  const response = new language.RunResponse();
  let request: ProgramRequest;
  try {
    if (call.request.getAttachDebugger()) {
      throw new Error("--attach-debugger: the sandbox's language host can't attach a debugger");
    }
    request = programRequest(call.request, host.engineAddress);
  } catch (error) {
    return response.setError(error instanceof Error ? error.message : String(error));
  }
  const program = runProgram(request, host.output, AbortSignal.any([host.stop.signal, gone.signal]));
  host.running.add(program);
  const result = await program;
  host.running.delete(program);
  return response.setError(result.error).setBail(result.bail);
}

function programRequest(request: language.RunRequest, engineAddress: string): ProgramRequest {
  const info = request.getInfo();
  return {
    monitorAddress: request.getMonitorAddress(),
    engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    rootDirectory: info?.getRootDirectory() ?? "",
    programDirectory: directoryOf(info),
    entryPoint: info?.getEntryPoint() ?? "",
    dryRun: request.getDryrun(),
    parallel: request.getParallel(),
    args: request.getArgsList(),
    config: new Map(request.getConfigMap().entries()),
    configSecretKeys: request.getConfigsecretkeysList(),
    nodeArgs: optionsOf(info).nodeArgs,
  };
}
