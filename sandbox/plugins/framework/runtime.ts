/** What lives as long as a plugin's process: its configuration, its way to the user, and what is in work. */
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { type EngineLog, engineLog } from "./engine.ts";
import { toServiceError } from "./errors.ts";
import type { Call, Provider, Resource } from "./resource.ts";
import type { Engine, Handle } from "./steps.ts";
import type { PropertyMap } from "./values.ts";

/** A provider at work. */
export interface Runtime<P> extends Engine<P> {
  /** Wraps a function into a gRPC handler that counts as work until it has answered. */
  readonly handle: Handle;
  /** Whether any call is not answered yet. */
  readonly busy: () => boolean;
  /** Sends the log lines to the engine at this address from now on. */
  attach(address: string): void;
  /** Configures the provider. Throws what the provider throws. */
  configure(config: PropertyMap): Promise<void>;
  /** Aborts everything in work, and everything that comes later. */
  cancel(): void;
}

/** Starts a provider's runtime; without an `address` its log lines go nowhere. */
export function startRuntime<P>(provider: Provider<P>, address: string | undefined): Runtime<P> {
  let log: EngineLog = engineLog(address);
  let configured: Promise<P> | undefined;
  let inWork = 0;
  const cancelled = new AbortController();

  const handle: Handle =
    (run) =>
    (call, answer): void => {
      inWork++;
      void respond(run, call, answer, () => log).finally(() => inWork--);
    };

  return {
    provider,
    handle,
    resource: (type) => findResource(provider, type),
    busy: () => inWork > 0,
    attach: (to) => {
      log = engineLog(to);
    },
    configure: async (config) => {
      configured = Promise.resolve(provider.configure(config));
      await configured;
    },
    cancel: () => cancelled.abort(),
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
}

/** Runs a method; its answer waits until the user has seen all its lines. */
async function respond<Request, Response>(
  run: (request: Request) => Promise<Response> | Response,
  call: ServerUnaryCall<Request, Response>,
  answer: sendUnaryData<Response>,
  log: () => EngineLog,
): Promise<void> {
  try {
    const response = await run(call.request);
    await log().flushed();
    answer(null, response);
  } catch (error) {
    await log().flushed();
    answer(isServiceError(error) ? error : toServiceError(error));
  }
}

function isServiceError(error: unknown): error is { code: number; details: string } {
  return error !== null && typeof error === "object" && "details" in error && "code" in error;
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
