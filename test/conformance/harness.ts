/**
 * Starts a plugin as the engine does and speaks the provider protocol with it. Cases (`case.ts`) play on this.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import {
  credentials,
  type requestCallback,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { type ProviderCalls, promised, providerCalls } from "./provider-calls.ts";

export type { DiffQuestion, Subject } from "./provider-calls.ts";
export { promised, urnOf } from "./provider-calls.ts";

/** A line that a plugin said to the user. `severity` as in the protocol: 0 debug, 1 info, 2 warning, 3 error. */
export interface LogLine {
  readonly severity: number;
  readonly urn: string;
  readonly line: string;
}

/** What to start: a command line, such as `node …/main.ts` or an official plugin. */
export interface PluginCommand {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running plugin. Every method throws a `ServiceError` when the plugin refuses. */
export interface Plugin extends ProviderCalls {
  readonly client: providerGrpc.ResourceProviderClient;
  readonly process: ChildProcess;
  /** The answer to the engine's handshake, or why the plugin has none. */
  readonly handshake: pb.ProviderHandshakeResponse.AsObject | string;
  /** Everything that the plugin said through Engine.Log so far. */
  readonly lines: readonly LogLine[];
  /** Sends Cancel and ends the process. */
  stop(): Promise<void>;
}

/** Starts a plugin and an engine for its log lines. The plugin is not configured yet. */
export async function startPlugin(what: PluginCommand): Promise<Plugin> {
  const lines: LogLine[] = [];
  const engine = await startEngine(lines);
  const [program = "", ...args] = what.command;
  const child = spawn(program, [...args, engine.address], {
    cwd: what.cwd,
    env: { ...process.env, ...what.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await firstLine(child, what.command.join(" "));
  const client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": 400 * 1024 * 1024,
  });
  const answer = await handshake(client, engine.address);
  return { client, process: child, handshake: answer, lines, ...providerCalls(client), stop };

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      await promised<empty.Empty>((done) => client.cancel(new empty.Empty(), done)).catch(() => undefined);
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    client.close();
    engine.stop();
  }
}

async function startEngine(lines: LogLine[]): Promise<{ address: string; stop: () => void }> {
  const server = new Server();
  server.addService(engineGrpc.EngineService, {
    log: (call: { request: enginePb.LogRequest }, answer: requestCallback<empty.Empty>) => {
      const { request } = call;
      lines.push({ severity: request.getSeverity(), urn: request.getUrn(), line: request.getMessage() });
      answer(null, new empty.Empty());
    },
  });
  const port = await promised<number>((done) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), done),
  );
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

async function firstLine(child: ChildProcess, name: string): Promise<string> {
  if (child.stdout === null) throw new Error(`${name} has no stdout`);
  const reader = createInterface({ input: child.stdout });
  for await (const line of reader) {
    reader.close();
    child.stdout.resume();
    return line;
  }
  throw new Error(`${name} ended before it printed its port`);
}

/** Plugins that have no handshake say UNIMPLEMENTED, as the official ones do. */
async function handshake(
  client: providerGrpc.ResourceProviderClient,
  address: string,
): Promise<pb.ProviderHandshakeResponse.AsObject | string> {
  const request = new pb.ProviderHandshakeRequest().setEngineAddress(address);
  try {
    const answer = await promised<pb.ProviderHandshakeResponse>((done) => client.handshake(request, done));
    return answer.toObject();
  } catch (error) {
    if (isServiceError(error) && error.code === status.UNIMPLEMENTED) return error.details;
    throw error;
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}
