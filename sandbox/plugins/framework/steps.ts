/** The methods of a provider that concern one resource: Check, Diff, Create, Read, Update, Delete. */
import type { handleUnaryCall } from "@grpc/grpc-js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { checkInputs, DEFAULTS, type Naming } from "./check.ts";
import { diff } from "./diff.ts";
import { initFailed, PartlyDone } from "./errors.ts";
import { finishState, markSecrets, previewState } from "./outputs.ts";
import { planState } from "./plan.ts";
import { refreshInputs } from "./refresh.ts";
import type { Call, DiffAnswer, Flavour, Made, Provider, Resource } from "./resource.ts";
import { decode, encode, isMap, mapWithoutSecrets, type PropertyMap, type Value } from "./values.ts";

/** What the methods need of the running provider. */
export interface Engine<P> {
  readonly provider: Provider<P>;
  /** The resource of a type. Throws for one that the stand-in doesn't know. */
  resource(type: string): Resource<P>;
  call(urn: string, timeoutSeconds: number): Promise<Call<P>>;
}

/** Wraps a function into a gRPC handler. */
export type Handle = <Request, Response>(
  run: (request: Request) => Promise<Response> | Response,
) => handleUnaryCall<Request, Response>;

interface Subject<P> {
  readonly resource: Resource<P>;
  readonly flavour: Flavour;
}

interface Addressed {
  getUrn(): string;
  getType(): string;
}

/** The methods, ready to be added to the service. */
export function resourceMethods<P>(engine: Engine<P>, handle: Handle) {
  const subject = (request: Addressed): Subject<P> => {
    const resource = engine.resource(request.getType() || typeOf(request.getUrn()));
    return { resource, flavour: resource.flavour ?? engine.provider.flavour };
  };
  return {
    check: handle((request: pb.CheckRequest) => check(engine, subject(request), request)),
    diff: handle((request: pb.DiffRequest) => diffStep(engine, subject(request), request)),
    create: handle((request: pb.CreateRequest) => create(engine, subject(request), request)),
    read: handle((request: pb.ReadRequest) => read(engine, subject(request), request)),
    update: handle((request: pb.UpdateRequest) => update(engine, subject(request), request)),
    delete: handle((request: pb.DeleteRequest) => remove(engine, subject(request), request)),
  };
}

function typeOf(urn: string): string {
  const qualified = urn.split("::")[2] ?? "";
  return qualified.slice(qualified.lastIndexOf("$") + 1);
}

async function check<P>(
  engine: Engine<P>,
  subject: Subject<P>,
  request: pb.CheckRequest,
): Promise<pb.CheckResponse> {
  const { resource, flavour } = subject;
  const call = await engine.call(request.getUrn(), 0);
  const [olds, given] = [decode(request.getOlds()), decode(request.getNews())];
  const first = checkInputs(
    resource.fields,
    flavour,
    resource.type,
    olds,
    given,
    namingOf(call.name, request),
  );
  const second = await resource.check?.({ ...call, inputs: first.inputs, given, olds });
  const inputs = second?.inputs ?? first.inputs;
  const marked = flavour === "native" ? inputs : markSecrets(resource.fields, inputs, true);
  const response = new pb.CheckResponse().setInputs(encode(marked));
  for (const { property, reason } of [...first.failures, ...(second?.failures ?? [])]) {
    response.addFailures(new pb.CheckFailure().setProperty(property).setReason(reason));
  }
  return response;
}

function namingOf(name: string, request: pb.CheckRequest): Naming {
  const naming = { name, seed: request.getRandomseed_asU8() };
  const options = request.getAutonaming();
  if (options === undefined) return naming;
  if (options.getMode() === pb.CheckRequest.AutonamingOptions.Mode.DISABLE)
    return { ...naming, disabled: true };
  return { ...naming, proposed: options.getProposedName() };
}

async function diffStep<P>(
  engine: Engine<P>,
  subject: Subject<P>,
  request: pb.DiffRequest,
): Promise<pb.DiffResponse> {
  const { resource, flavour } = subject;
  const question = {
    state: decode(request.getOlds()),
    oldInputs: decode(request.getOldInputs()),
    inputs: decode(request.getNews()),
    ignoreChanges: request.getIgnorechangesList(),
  };
  const own = resource.diff;
  if (own === undefined) return diffResponse(diff(resource, flavour, question), flavour);
  const call = await engine.call(request.getUrn(), 0);
  return diffResponse(await own({ ...call, ...question, id: request.getId() }), flavour);
}

function diffResponse(answer: DiffAnswer, flavour: Flavour): pb.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges;
  const response = new pb.DiffResponse()
    .setChanges(answer.changed ? DIFF_SOME : DIFF_NONE)
    .setReplacesList([...answer.replaces])
    .setDiffsList([...answer.diffs])
    .setStablesList([...(answer.stables ?? [])])
    .setDeletebeforereplace(answer.deleteBeforeReplace === true);
  if (answer.detailed === undefined) return response;
  for (const [path, kind] of Object.entries(answer.detailed)) {
    response.getDetaileddiffMap().set(path, new pb.PropertyDiff().setKind(pb.PropertyDiff.Kind[kind]));
  }
  return response.setHasdetaileddiff(flavour !== "framework");
}

async function create<P>(
  engine: Engine<P>,
  subject: Subject<P>,
  request: pb.CreateRequest,
): Promise<pb.CreateResponse> {
  const { resource, flavour } = subject;
  const raw = decode(request.getProperties());
  const call = await engine.call(request.getUrn(), request.getTimeout());
  const inputs = flavour === "sdk" ? withoutDefaults(raw) : raw;
  const planned = planState(resource, flavour, {}, inputs);
  if (request.getPreview()) {
    const outputs =
      (await resource.previewOf?.({ ...call, inputs: raw, state: {} })) ??
      previewState(resource, flavour, {}, planned, raw);
    return new pb.CreateResponse().setProperties(encode(outputs));
  }
  const plain = mapWithoutSecrets(inputs);
  const made = await kept(subject, planned, raw, () => resource.create({ ...call, inputs: plain, planned }));
  const state = finishState(resource, flavour, made, planned, raw);
  return new pb.CreateResponse().setId(made.id).setProperties(encode(state));
}

/** Runs a step; when it fails half-way, tells the engine what exists. */
async function kept<P, T>(
  { resource, flavour }: Subject<P>,
  planned: PropertyMap,
  raw: PropertyMap,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof PartlyDone)) throw error;
    throw initFailed(error, finishState(resource, flavour, error, planned, raw), raw);
  }
}

async function read<P>(
  engine: Engine<P>,
  subject: Subject<P>,
  request: pb.ReadRequest,
): Promise<pb.ReadResponse> {
  const { resource } = subject;
  const [state, inputs] = [decode(request.getProperties()), decode(request.getInputs())];
  const refresh = Object.keys(state).length > 0;
  if (!refresh && resource.read === undefined) {
    throw new Error(`the sandbox's stand-in can't read a ${resource.type} by its id alone`);
  }
  const found = await readNow(engine, subject, request, state, inputs);
  if (found === undefined) return new pb.ReadResponse();
  const newInputs = inputsAfter(subject, inputs, refresh ? found.state : undefined);
  return new pb.ReadResponse()
    .setId(found.id)
    .setProperties(encode(found.state))
    .setInputs(encode(newInputs));
}

function inputsAfter<P>(
  { resource, flavour }: Subject<P>,
  inputs: PropertyMap,
  state?: PropertyMap,
): PropertyMap {
  if (flavour === "framework") return markSecrets(resource.fields, inputs);
  return flavour === "sdk" && state !== undefined ? refreshInputs(resource.fields, inputs, state) : inputs;
}

async function readNow<P>(
  engine: Engine<P>,
  { resource, flavour }: Subject<P>,
  request: pb.ReadRequest,
  state: PropertyMap,
  inputs: PropertyMap,
): Promise<Made | undefined> {
  const marked = flavour === "native" ? state : markSecrets(resource.fields, state);
  if (resource.read === undefined) return { id: request.getId(), state: marked };
  const call = await engine.call(request.getUrn(), 0);
  const plain = mapWithoutSecrets(flavour === "sdk" ? withoutDefaults(inputs) : inputs);
  const made = await resource.read({
    ...call,
    id: request.getId(),
    state: mapWithoutSecrets(state),
    inputs: plain,
  });
  if (made === undefined) return undefined;
  return { id: made.id, state: finishState(resource, flavour, made, state, inputs) };
}

async function update<P>(
  engine: Engine<P>,
  subject: Subject<P>,
  request: pb.UpdateRequest,
): Promise<pb.UpdateResponse> {
  const { resource, flavour } = subject;
  const [state, raw] = [decode(request.getOlds()), decode(request.getNews())];
  const call = await engine.call(request.getUrn(), request.getTimeout());
  const inputs = flavour === "sdk" ? withoutDefaults(raw) : raw;
  const planned = planState(resource, flavour, state, inputs);
  if (request.getPreview()) {
    const outputs =
      (await resource.previewOf?.({ ...call, inputs: raw, state })) ??
      previewState(resource, flavour, state, planned, raw);
    return new pb.UpdateResponse().setProperties(encode(outputs));
  }
  const run = resource.update;
  if (run === undefined) throw new Error(`a ${resource.type} can't be updated, only replaced`);
  const id = request.getId();
  const args = { ...call, id, state: mapWithoutSecrets(state), inputs: mapWithoutSecrets(inputs), planned };
  const newState = await kept(subject, planned, raw, () => run(args));
  const finished = finishState(resource, flavour, { id, state: newState }, planned, raw);
  return new pb.UpdateResponse().setProperties(encode(finished));
}

async function remove<P>(
  engine: Engine<P>,
  { resource, flavour }: Subject<P>,
  request: pb.DeleteRequest,
): Promise<empty.Empty> {
  if (resource.delete !== undefined) {
    const call = await engine.call(request.getUrn(), request.getTimeout());
    const state = mapWithoutSecrets(decode(request.getProperties()));
    const oldInputs = decode(request.getOldInputs());
    const inputs = mapWithoutSecrets(flavour === "sdk" ? withoutDefaults(oldInputs) : oldInputs);
    await resource.delete({ ...call, id: request.getId(), state, inputs });
  }
  return new empty.Empty();
}

/** The inputs without the lists of what was a default, at any depth. */
function withoutDefaults(map: PropertyMap): PropertyMap {
  const entries = Object.entries(map).filter(([name]) => name !== DEFAULTS);
  return Object.fromEntries(entries.map(([name, value]) => [name, withoutDefaultsIn(value)]));
}

function withoutDefaultsIn(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutDefaultsIn);
  return isMap(value) ? withoutDefaults(value) : value;
}
