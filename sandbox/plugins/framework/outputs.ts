/** What goes back to the engine: states with their bookkeeping properties and with secrets marked. */
import type { Field, Fields, Flavour, Resource } from "./resource.ts";
import { inSetOrder } from "./sets.ts";
import { isMap, isNothing, type PropertyMap, Secret, Unknown, unknown, type Value } from "./values.ts";

/** The key under which Terraform SDK v2 keeps a resource's timeouts in its private state. */
const TIMEOUTS = "e2bfb730-ecaa-11e6-8f88-34363bc7c4c0";
const NANOSECONDS_A_MINUTE = 60_000_000_000;

/** Marks every value whose field is secret, at any depth; unknown ones only when asked, as Check does it. */
export function markSecrets(fields: Fields, map: PropertyMap, unknownsToo = false): PropertyMap {
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [name, markSecret(fields[name], value, unknownsToo)]),
  );
}

function markSecret(field: Field | undefined, value: Value, unknownsToo: boolean): Value {
  if (field === undefined || value instanceof Secret || value === null) return value;
  if (value instanceof Unknown && !unknownsToo) return value;
  if (field.secret === true) return new Secret(value);
  if (isMap(value) && field.fields !== undefined) return markSecrets(field.fields, value, unknownsToo);
  if (Array.isArray(value) && field.of !== undefined)
    return value.map((item) => markSecret(field.of, item, unknownsToo));
  return value;
}

/**
 * The whole state after a handler has run: what it answered over what was planned. Nothing is unknown any more.
 * `rawInputs` are the inputs with the marks of their secrets, for flavour "native", which echoes them.
 */
export function finishState<P>(
  resource: Resource<P>,
  flavour: Flavour,
  made: { readonly id: string; readonly state: PropertyMap },
  planned: PropertyMap,
  rawInputs: PropertyMap,
): PropertyMap {
  if (resource.ownState === true) return made.state;
  if (flavour === "native") return { ...withoutNothing(rawInputs), ...withoutNothing(made.state) };
  const state: PropertyMap = {};
  for (const [name, field] of Object.entries(resource.fields)) {
    const value = made.state[name] ?? planned[name];
    const known = value instanceof Unknown || value === undefined ? null : value;
    state[name] = Array.isArray(known) && field.kind === "set" ? ordered(known, field) : known;
  }
  const idField = resource.fields.id;
  if (idField === undefined && flavour === "sdk") state.id = made.id;
  const meta = metaOf(resource);
  const marked = markSecrets(resource.fields, flavour === "framework" ? withoutNothing(state) : state);
  return meta === undefined ? marked : { ...marked, __meta: meta };
}

function ordered(elements: Value[], field: Field): Value[] {
  return inSetOrder(elements, field.of ?? { kind: "string" });
}

function withoutNothing(map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => !isNothing(value)));
}

/** The planned state as a preview answers it. */
export function previewState<P>(
  resource: Resource<P>,
  flavour: Flavour,
  state: PropertyMap,
  planned: PropertyMap,
  rawInputs: PropertyMap,
): PropertyMap {
  if (flavour === "native") {
    const outputs = Object.entries(resource.fields).filter(([, field]) => field.output === true);
    return { ...withoutNothing(rawInputs), ...Object.fromEntries(outputs.map(([name]) => [name, unknown])) };
  }
  const creating = Object.keys(state).length === 0;
  const id = creating ? unknown : (state.id ?? unknown);
  if (flavour === "framework") return markSecrets(resource.fields, withoutNothing(planned));
  const whole = { ...planned, ...(resource.fields.id === undefined ? { id } : {}) };
  // A plan's bookkeeping holds timeouts, but no schema version yet.
  const meta =
    resource.timeouts === undefined
      ? {}
      : { __meta: JSON.stringify({ _new_extra_shim: {}, ...timeoutsOf(resource) }) };
  return markSecrets(resource.fields, { ...whole, ...meta });
}

function metaOf<P>(resource: Resource<P>): string | undefined {
  if (resource.schemaVersion === undefined && resource.timeouts === undefined) return undefined;
  const version =
    resource.schemaVersion === undefined ? {} : { schema_version: String(resource.schemaVersion) };
  return JSON.stringify({ ...timeoutsOf(resource), ...version });
}

function timeoutsOf<P>({ timeouts }: Resource<P>): Record<string, unknown> {
  if (timeouts === undefined) return {};
  const steps = Object.entries(timeouts).map(([step, minutes]) => [step, minutes * NANOSECONDS_A_MINUTE]);
  return { [TIMEOUTS]: Object.fromEntries(steps) };
}
