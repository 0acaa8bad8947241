/** What goes back to the engine: states with their bookkeeping properties and with secrets marked. */
import { DEFAULTS } from "./check.ts";
import type { Field, Fields, Flavour, Resource } from "./resource.ts";
import { inSetOrder } from "./sets.ts";
import {
  isMap,
  isNothing,
  mapWithoutSecrets,
  type PropertyMap,
  Secret,
  Unknown,
  unknown,
  type Value,
} from "./values.ts";

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
  const meta = metaOf(resource);
  const whole = { ...planned, ...(resource.fields.id === undefined ? { id } : {}) };
  return markSecrets(resource.fields, meta === undefined ? whole : { ...whole, __meta: meta });
}

function metaOf<P>(resource: Resource<P>): string | undefined {
  if (resource.schemaVersion === undefined && resource.timeouts === undefined) return undefined;
  const meta: Record<string, unknown> = {};
  if (resource.timeouts !== undefined) {
    meta[TIMEOUTS] = Object.fromEntries(
      Object.entries(resource.timeouts).map(([step, minutes]) => [step, minutes * NANOSECONDS_A_MINUTE]),
    );
  }
  if (resource.schemaVersion !== undefined) meta.schema_version = String(resource.schemaVersion);
  return JSON.stringify(meta);
}

/**
 * The inputs after a refresh of flavour "sdk": every input that was given takes the value that the host has now; a
 * changed default is no default any more (pulumi-terraform-bridge, `schema.go`, extractInputs).
 */
export function refreshInputs(fields: Fields, inputs: PropertyMap, state: PropertyMap): PropertyMap {
  return refreshObject(fields, inputs, mapWithoutSecrets(state)).value;
}

function refreshObject(
  fields: Fields,
  inputs: PropertyMap,
  state: PropertyMap,
): { value: PropertyMap; same: boolean } {
  const value: PropertyMap = {};
  const oldDefaults = inputs[DEFAULTS];
  const defaults = new Set(Array.isArray(oldDefaults) ? oldDefaults : []);
  let same = true;
  for (const [name, old] of Object.entries(inputs)) {
    if (name === DEFAULTS) continue;
    const now = state[name];
    const part = now === undefined ? undefined : refreshValue(fields[name], old, now);
    if (part !== undefined) value[name] = part.value;
    if (part?.same === true) continue;
    same = false;
    defaults.delete(name);
  }
  if (Array.isArray(oldDefaults)) value[DEFAULTS] = oldDefaults.filter((name) => defaults.has(name));
  return { value, same };
}

function refreshValue(field: Field | undefined, old: Value, now: Value): { value: Value; same: boolean } {
  if (Array.isArray(old) && Array.isArray(now)) {
    const part = field?.of;
    const left = [...now];
    // Objects in a set are recognised by their content, everything else by its position.
    const byContent = field?.kind === "set" && part?.kind === "object";
    const items = old.flatMap((item, i) => {
      const at = left.findIndex((other) => byContent && refreshValue(part, item, other).same);
      const other = byContent ? left.splice(at === -1 ? left.length : at, 1)[0] : now[i];
      return other === undefined ? [] : [refreshValue(part, item, other)];
    });
    const same = items.length === old.length && items.every((item) => item.same);
    return { value: items.map((item) => item.value), same };
  }
  if (isMap(old) && isMap(now)) {
    if (field?.fields !== undefined) return refreshObject(field.fields, old, now);
    const entries = Object.entries(old).flatMap(
      ([name, item]): [string, { value: Value; same: boolean }][] => {
        const other = now[name];
        return other === undefined ? [] : [[name, refreshValue(field?.of, item, other)]];
      },
    );
    const value = Object.fromEntries(entries.map(([name, part]) => [name, part.value]));
    return {
      value,
      same: entries.length === Object.keys(old).length && entries.every(([, part]) => part.same),
    };
  }
  return { value: now, same: JSON.stringify(old) === JSON.stringify(now) };
}
