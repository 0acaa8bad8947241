/** The provider protocol as plain functions: property maps in, property maps out. */
import type providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import type empty from "google-protobuf/google/protobuf/empty_pb.js";
import { decode, encode, type PropertyMap } from "../../sandbox/plugins/framework/values.ts";

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

/** A callback of gRPC as a promise. */
export function promised<T>(run: (done: (error: Error | null, value?: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) =>
      error === null && value !== undefined ? resolve(value) : reject(error ?? new Error("no answer")),
    );
  });
}

/** Calls that change nothing. */
interface Questions {
  configure(config?: PropertyMap): Promise<pb.ConfigureResponse>;
  check(subject: Subject, olds: PropertyMap, news: PropertyMap): Promise<CheckVerdict>;
  diff(subject: Subject, question: DiffQuestion): Promise<DiffVerdict>;
  read(subject: Subject, id: string, state: PropertyMap, inputs: PropertyMap): Promise<ReadVerdict>;
  invoke(token: string, args: PropertyMap): Promise<PropertyMap>;
}

/** Calls that make, change and remove. */
interface Changes {
  create(
    subject: Subject,
    inputs: PropertyMap,
    preview?: boolean,
  ): Promise<{ readonly id: string; readonly state: PropertyMap }>;
  update(subject: Subject, question: DiffQuestion, preview?: boolean): Promise<PropertyMap>;
  delete(subject: Subject, id: string, state: PropertyMap, inputs: PropertyMap): Promise<void>;
}

/** All calls. Each throws a `ServiceError` when the plugin refuses. */
export interface ProviderCalls extends Questions, Changes {}

/** The calls on a connected plugin. */
export function providerCalls(client: providerGrpc.ResourceProviderClient): ProviderCalls {
  return { ...questions(client), ...changes(client) };
}

function questions(client: providerGrpc.ResourceProviderClient): Questions {
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
      const request = named(new pb.CheckRequest(), subject);
      request.setOlds(encode(olds)).setNews(encode(news));
      const response = await promised<pb.CheckResponse>((done) => client.check(request, done));
      const failures = response
        .getFailuresList()
        .map((one) => ({ property: one.getProperty(), reason: one.getReason() }));
      return { inputs: decode(response.getInputs()), failures };
    },
    async diff(subject, { id, state, oldInputs, inputs, ignoreChanges }) {
      const request = named(new pb.DiffRequest(), subject).setId(id);
      request.setOlds(encode(state)).setOldInputs(encode(oldInputs)).setNews(encode(inputs));
      request.setIgnorechangesList([...(ignoreChanges ?? [])]);
      return diffVerdict(await promised<pb.DiffResponse>((done) => client.diff(request, done)));
    },
    async read(subject, id, state, inputs) {
      const request = named(new pb.ReadRequest(), subject).setId(id);
      request.setProperties(encode(state)).setInputs(encode(inputs));
      const response = await promised<pb.ReadResponse>((done) => client.read(request, done));
      return {
        id: response.getId(),
        state: decode(response.getProperties()),
        inputs: decode(response.getInputs()),
      };
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

/** A request that tells which resource it is about. */
interface AboutResource {
  setUrn(urn: string): unknown;
  setName(name: string): unknown;
  setType(type: string): unknown;
}

function named<R extends AboutResource>(request: R, subject: Subject): R {
  request.setUrn(urnOf(subject));
  request.setName(subject.name);
  request.setType(subject.type);
  return request;
}

function changes(client: providerGrpc.ResourceProviderClient): Changes {
  return {
    async create(subject, inputs, preview = false) {
      const request = named(new pb.CreateRequest(), subject);
      request.setProperties(encode(inputs)).setPreview(preview);
      const response = await promised<pb.CreateResponse>((done) => client.create(request, done));
      return { id: response.getId(), state: decode(response.getProperties()) };
    },
    async update(subject, { id, state, oldInputs, inputs }, preview = false) {
      const request = named(new pb.UpdateRequest(), subject).setId(id);
      request
        .setOlds(encode(state))
        .setOldInputs(encode(oldInputs))
        .setNews(encode(inputs))
        .setPreview(preview);
      const response = await promised<pb.UpdateResponse>((done) => client.update(request, done));
      return decode(response.getProperties());
    },
    async delete(subject, id, state, inputs) {
      const request = named(new pb.DeleteRequest(), subject).setId(id);
      request.setProperties(encode(state)).setOldInputs(encode(inputs));
      await promised<empty.Empty>((done) => client.delete(request, done));
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
