/** The ResourceProvider service on top of resources' tables. */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { checkConfig, readConfig } from "./config.ts";
import { NotImplemented } from "./errors.ts";
import type { Provider } from "./resource.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { engineAddress, runPlugin, type Service } from "./serve.ts";
import { resourceMethods } from "./steps.ts";
import { decode, encode, mapWithoutSecrets } from "./values.ts";

/** Methods of the service that no stand-in has, as `grpc` names them. */
const MISSING = ["parameterize", "call", "construct", "attach", "getMapping", "getMappings", "list"] as const;

/** A provider as a gRPC service. `address` is the engine's, for log lines. */
export function providerService<P>(
  provider: Provider<P>,
  address?: string,
): { service: Service; busy: () => boolean } {
  const runtime = startRuntime(provider, address);
  const methods: UntypedServiceImplementation = {
    ...providerMethods(provider, runtime),
    ...resourceMethods(runtime, runtime.handle),
  };
  for (const name of MISSING) {
    methods[name] = runtime.handle(() => {
      throw new NotImplemented(`the sandbox's stand-in for ${provider.name} has no ${name}`);
    });
  }
  const definition = providerGrpc.ResourceProviderService;
  return { service: { definition, methods }, busy: runtime.busy };
}

/** The methods that concern the provider as a whole. */
function providerMethods<P>(provider: Provider<P>, runtime: Runtime<P>): UntypedServiceImplementation {
  const { handle } = runtime;
  return {
    handshake: handle((request: pb.ProviderHandshakeRequest) => {
      if (provider.noHandshake !== undefined) throw new NotImplemented(provider.noHandshake);
      runtime.attach(request.getEngineAddress());
      const answer = new pb.ProviderHandshakeResponse().setAcceptSecrets(true);
      return answer.setAcceptResources(true).setAcceptOutputs(true);
    }),
    getPluginInfo: handle(() => new pluginPb.PluginInfo().setVersion(provider.version)),
    getSchema: handle(() => new pb.GetSchemaResponse().setSchema(schemaOf(provider))),
    checkConfig: handle((request: pb.CheckRequest) => checkConfig(provider, request)),
    diffConfig: handle(() => {
      if (provider.flavour === "native") throw new NotImplemented("DiffConfig is not implemented");
      return new pb.DiffResponse();
    }),
    configure: handle(async (request: pb.ConfigureRequest) => {
      await runtime.configure(readConfig(provider, request));
      return configureResponse(provider);
    }),
    invoke: handle(async (request: pb.InvokeRequest) => {
      const run = provider.functions?.[request.getTok()];
      if (run === undefined) throw new Error(unknownFunction(provider, request.getTok()));
      const args = mapWithoutSecrets(decode(request.getArgs()));
      const result = await run({ ...(await runtime.call("", 0)), args, preview: request.getPreview() });
      return new pb.InvokeResponse().setReturn(encode(result));
    }),
    cancel: handle(() => {
      runtime.cancel();
      return new empty.Empty();
    }),
  };
}

/** Runs a provider as a plugin process: the whole of a plugin's main.ts. */
export async function runProvider<P>(provider: Provider<P>): Promise<void> {
  const { service, busy } = providerService(provider, engineAddress(process.argv));
  await runPlugin([service], busy);
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
