/** The ResourceProvider service on top of resources' tables. */
import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { checkConfig, readConfig } from "./config.ts";
import { type EngineLog, engineLog } from "./engine.ts";
import { NotImplemented, toServiceError } from "./errors.ts";
import type { Call, Provider, Resource } from "./resource.ts";
import { engineAddress, runPlugin, type Service } from "./serve.ts";
import { type Engine, resourceMethods } from "./steps.ts";
import { decode, encode, mapWithoutSecrets } from "./values.ts";

/** Methods of the service that no stand-in has, as `grpc` names them. */
const MISSING = ["parameterize", "call", "construct", "attach", "getMapping", "getMappings", "list"] as const;

/** A provider as a gRPC service. `address` is the engine's, for log lines. */
export function providerService<P>(
  provider: Provider<P>,
  address?: string,
): { service: Service; busy: () => boolean } {
  let log: EngineLog = engineLog(address);
  let configured: Promise<P> | undefined;
  let inWork = 0;
  const cancelled = new AbortController();

  const engine: Engine<P> = {
    provider,
    resource: (type) => findResource(provider, type),
    call: async (urn, timeoutSeconds): Promise<Call<P>> => ({
      provider: await (configured ?? unconfigured(provider)),
      urn,
      name: urn.slice(urn.lastIndexOf("::") + 2),
      signal: cancelled.signal,
      timeoutSeconds,
      log: (severity, line) => log.say(severity, urn, line),
      status: (line) => log.say("info", urn, line, true),
    }),
  };

  const handle =
    <Request, Response>(run: (request: Request) => Promise<Response> | Response) =>
    (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
      inWork++;
      answerOf(run, call.request, log)
        .then(
          (response) => answer(null, response),
          (error: unknown) => answer(isServiceError(error) ? error : toServiceError(error)),
        )
        .finally(() => inWork--);
    };

  const methods: UntypedServiceImplementation = {
    handshake: handle((request: pb.ProviderHandshakeRequest) => {
      if (provider.noHandshake !== undefined) throw new NotImplemented(provider.noHandshake);
      log = engineLog(request.getEngineAddress());
      return new pb.ProviderHandshakeResponse()
        .setAcceptSecrets(true)
        .setAcceptResources(true)
        .setAcceptOutputs(true);
    }),
    getPluginInfo: handle(() => new pluginPb.PluginInfo().setVersion(provider.version)),
    getSchema: handle(() => new pb.GetSchemaResponse().setSchema(schemaOf(provider))),
    checkConfig: handle((request: pb.CheckRequest) => checkConfig(provider, request)),
    diffConfig: handle(() => {
      if (provider.flavour === "native") throw new NotImplemented("DiffConfig is not implemented");
      return new pb.DiffResponse();
    }),
    configure: handle(async (request: pb.ConfigureRequest) => {
      configured = Promise.resolve(provider.configure(readConfig(provider, request)));
      await configured;
      return configureResponse(provider);
    }),
    invoke: handle(async (request: pb.InvokeRequest) => {
      const run = provider.functions?.[request.getTok()];
      if (run === undefined) throw new Error(unknownFunction(provider, request.getTok()));
      const call = await engine.call("", 0);
      const args = mapWithoutSecrets(decode(request.getArgs()));
      const result = await run({ ...call, args, preview: request.getPreview() });
      return new pb.InvokeResponse().setReturn(encode(result));
    }),
    cancel: handle(() => {
      cancelled.abort();
      return new empty.Empty();
    }),
    ...resourceMethods(engine, handle),
  };
  for (const name of MISSING) {
    methods[name] = handle(() => {
      throw new NotImplemented(`the sandbox's stand-in for ${provider.name} has no ${name}`);
    });
  }
  const definition = providerGrpc.ResourceProviderService;
  return { service: { definition, methods }, busy: () => inWork > 0 };
}

/** Runs a provider as a plugin process: the whole of a plugin's main.ts. */
export async function runProvider<P>(provider: Provider<P>): Promise<void> {
  const { service, busy } = providerService(provider, engineAddress(process.argv));
  await runPlugin([service], busy);
}

/** Runs a method; its answer waits until the user has seen all its lines. */
async function answerOf<Request, Response>(
  run: (request: Request) => Promise<Response> | Response,
  request: Request,
  log: EngineLog,
): Promise<Response> {
  try {
    return await run(request);
  } finally {
    await log.flushed();
  }
}

function isServiceError(error: unknown): error is { code: number; details: string } {
  return typeof error === "object" && error !== null && "code" in error && "details" in error;
}

function unconfigured<P>(provider: Provider<P>): never {
  throw new Error(`the provider ${provider.name} was used before it was configured`);
}

function findResource<P>(provider: Provider<P>, type: string): Resource<P> {
  const resource = provider.resources.find((one) => one.type === type);
  if (resource !== undefined) return resource;
  const refused = provider.refused?.[type];
  if (refused !== undefined) {
    throw new Error(`${type} is not supported by the sandbox's stand-in plugin: ${refused}`);
  }
  const known = provider.resources.map((one) => one.type).join(", ");
  throw new Error(
    `unrecognized resource type ${type}; the sandbox's stand-in for ${provider.name} knows ${known}`,
  );
}

function unknownFunction<P>(provider: Provider<P>, token: string): string {
  const known = Object.keys(provider.functions ?? {}).join(", ") || "none";
  return `unrecognized function ${token}; the sandbox's stand-in for ${provider.name} knows ${known}`;
}

function schemaOf<P>(provider: Provider<P>): string {
  const resources = Object.fromEntries(provider.resources.map((one) => [one.type, {}]));
  const version = provider.version.replace(/^v/, "");
  return JSON.stringify({ name: provider.name, version, resources });
}

function configureResponse<P>(provider: Provider<P>): pb.ConfigureResponse {
  const response = new pb.ConfigureResponse().setSupportspreview(true);
  switch (provider.flavour) {
    case "sdk":
      return response.setSupportsAutonamingConfiguration(true);
    case "framework":
      return response.setAcceptresources(true).setSupportsAutonamingConfiguration(true);
    case "native":
      return response.setAcceptsecrets(true).setAcceptresources(true).setAcceptoutputs(true);
  }
}
