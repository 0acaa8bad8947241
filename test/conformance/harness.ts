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
import { decode, encode, type PropertyMap } from "../../sandbox/plugins/framework/values.ts";

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
export interface Plugin {
  readonly client: providerGrpc.ResourceProviderClient;
  readonly process: ChildProcess;
  /** The answer to the engine's handshake, or why the plugin has none. */
  readonly handshake: pb.ProviderHandshakeResponse.AsObject | string;
  /** Everything that the plugin said through Engine.Log so far. */
  readonly lines: readonly LogLine[];
  configure(config?: PropertyMap): Promise<pb.ConfigureResponse>;
  check(subject: Subject, olds: PropertyMap, news: PropertyMap): Promise<CheckVerdict>;
  diff(subject: Subject, question: DiffQuestion): Promise<DiffVerdict>;
  create(
    subject: Subject,
    inputs: PropertyMap,
    preview?: boolean,
  ): Promise<{ id: string; state: PropertyMap }>;
  read(subject: Subject, id: string, state: PropertyMap, inputs: PropertyMap): Promise<ReadVerdict>;
  update(subject: Subject, question: DiffQuestion, preview?: boolean): Promise<PropertyMap>;
  delete(subject: Subject, id: string, state: PropertyMap, inputs: PropertyMap): Promise<void>;
  invoke(token: string, args: PropertyMap): Promise<PropertyMap>;
  /** Sends Cancel and ends the process. */
  stop(): Promise<void>;
}

/** A resource by its type and its name in a program. */
export interface Subject {
  readonly type: string;
  readonly name: string;
}

/** The last deployment and the next inputs. */
export interface DiffQuestion {
  readonly id: string;
  readonly state: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly inputs: PropertyMap;
  readonly ignoreChanges?: readonly string[];
}

/** Check's answer. */
export interface CheckVerdict {
  readonly inputs: PropertyMap;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

/** Read's answer; an empty id means that the resource is gone. */
export interface ReadVerdict {
  readonly id: string;
  readonly state: PropertyMap;
  readonly inputs: PropertyMap;
}

/** Diff's answer, lists sorted. */
export interface DiffVerdict {
  readonly changes: "none" | "some" | "unknown";
  readonly replaces: readonly string[];
  readonly diffs: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** Path → kind; undefined when the plugin gives no detailed diff. */
  readonly detailed?: Readonly<Record<string, string>>;
}

/** The resource's URN, in the project "conformance", stack "test". */
export function urnOf({ type, name }: Subject): string {
  return `urn:pulumi:test::conformance::${type}::${name}`;
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
  return { client, process: child, handshake: answer, lines, ...methods(client), stop };

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

/** A callback of gRPC as a promise. */
export function promised<T>(run: (done: (error: Error | null, value?: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) =>
      error === null && value !== undefined ? resolve(value) : reject(error ?? new Error("no answer")),
    );
  });
}

type Methods = Omit<Plugin, "client" | "process" | "handshake" | "lines" | "stop">;

function methods(client: providerGrpc.ResourceProviderClient): Methods {
  return {
    async configure(config = {}) {
      const request = new pb.ConfigureRequest()
        .setArgs(encode(config))
        .setAcceptsecrets(true)
        .setAcceptresources(true);
      request.setSendsOldInputs(true).setSendsOldInputsToDelete(true);
      return promised((done) => client.configure(request, done));
    },
    async check(subject, olds, news) {
      const request = new pb.CheckRequest()
        .setUrn(urnOf(subject))
        .setName(subject.name)
        .setType(subject.type);
      request.setOlds(encode(olds)).setNews(encode(news));
      const response = await promised<pb.CheckResponse>((done) => client.check(request, done));
      const failures = response
        .getFailuresList()
        .map((one) => ({ property: one.getProperty(), reason: one.getReason() }));
      return { inputs: decode(response.getInputs()), failures };
    },
    async diff(subject, { id, state, oldInputs, inputs, ignoreChanges }) {
      const request = new pb.DiffRequest()
        .setUrn(urnOf(subject))
        .setName(subject.name)
        .setType(subject.type)
        .setId(id);
      request.setOlds(encode(state)).setOldInputs(encode(oldInputs)).setNews(encode(inputs));
      request.setIgnorechangesList([...(ignoreChanges ?? [])]);
      return diffVerdict(await promised<pb.DiffResponse>((done) => client.diff(request, done)));
    },
    async create(subject, inputs, preview = false) {
      const request = new pb.CreateRequest()
        .setUrn(urnOf(subject))
        .setName(subject.name)
        .setType(subject.type);
      request.setProperties(encode(inputs)).setPreview(preview);
      const response = await promised<pb.CreateResponse>((done) => client.create(request, done));
      return { id: response.getId(), state: decode(response.getProperties()) };
    },
    async read(subject, id, state, inputs) {
      const request = new pb.ReadRequest()
        .setUrn(urnOf(subject))
        .setName(subject.name)
        .setType(subject.type)
        .setId(id);
      request.setProperties(encode(state)).setInputs(encode(inputs));
      const response = await promised<pb.ReadResponse>((done) => client.read(request, done));
      return {
        id: response.getId(),
        state: decode(response.getProperties()),
        inputs: decode(response.getInputs()),
      };
    },
    async update(subject, { id, state, oldInputs, inputs }, preview = false) {
      const request = new pb.UpdateRequest()
        .setUrn(urnOf(subject))
        .setName(subject.name)
        .setType(subject.type)
        .setId(id);
      request
        .setOlds(encode(state))
        .setOldInputs(encode(oldInputs))
        .setNews(encode(inputs))
        .setPreview(preview);
      const response = await promised<pb.UpdateResponse>((done) => client.update(request, done));
      return decode(response.getProperties());
    },
    async delete(subject, id, state, inputs) {
      const request = new pb.DeleteRequest()
        .setUrn(urnOf(subject))
        .setName(subject.name)
        .setType(subject.type)
        .setId(id);
      request.setProperties(encode(state)).setOldInputs(encode(inputs));
      await promised<empty.Empty>((done) => client.delete(request, done));
    },
    async invoke(token, args) {
      const request = new pb.InvokeRequest().setTok(token).setArgs(encode(args));
      const response = await promised<pb.InvokeResponse>((done) => client.invoke(request, done));
      const failure = response.getFailuresList()[0];
      if (failure !== undefined) throw new Error(failure.getReason());
      return decode(response.getReturn());
    },
  };
}

function diffVerdict(response: pb.DiffResponse): DiffVerdict {
  const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges;
  const changes = response.getChanges();
  const kinds = new Map(Object.entries(pb.PropertyDiff.Kind).map(([name, number]) => [number, name]));
  const detailed: Record<string, string> = {};
  response.getDetaileddiffMap().forEach((value, path) => {
    detailed[path] = kinds.get(value.getKind()) ?? String(value.getKind());
  });
  return {
    changes: changes === DIFF_SOME ? "some" : changes === DIFF_NONE ? "none" : "unknown",
    replaces: [...new Set(response.getReplacesList())].sort(),
    diffs: [...response.getDiffsList()].sort(),
    deleteBeforeReplace: response.getDeletebeforereplace(),
    ...(response.getHasdetaileddiff() ? { detailed } : {}),
  };
}
