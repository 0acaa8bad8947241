/**
 * The planned state: what a resource's outputs will be after the given inputs are applied to the given state, as
 * far as that is known beforehand. Previews answer it, and Diff compares the state with it.
 */
import type { Field, Fields, Flavour, Resource } from "./resource.ts";
import { identity, inSetOrder, isZero } from "./sets.ts";
import {
  equal,
  hasUnknown,
  isMap,
  isNothing,
  type PropertyMap,
  Unknown,
  unknown,
  type Value,
} from "./values.ts";

/** The planned state. An empty `state` means that the resource is to be created. */
export function planState<P>(
  resource: Resource<P>,
  flavour: Flavour,
  state: PropertyMap,
  inputs: PropertyMap,
): PropertyMap {
  const creating = Object.keys(state).length === 0;
  const planned =
    flavour === "framework"
      ? planFramework(resource.fields, state, inputs, creating)
      : planObject(resource.fields, state, inputs, creating);
  return resource.plan?.({ inputs, state, planned }) ?? planned;
}

/** The value in the state of a field that was never given. */
export function unsetOf(field: Field): Value {
  if (field.unset !== undefined) return field.unset;
  const holdsObjects = (field.kind === "set" || field.kind === "list") && field.of?.kind === "object";
  return holdsObjects ? [] : null;
}

function planObject(fields: Fields, state: PropertyMap, inputs: PropertyMap, creating: boolean): PropertyMap {
  const planned: PropertyMap = {};
  for (const [name, field] of Object.entries(fields)) {
    planned[name] = planField(field, state[name], inputs[name], creating);
  }
  return planned;
}

function planField(
  field: Field,
  before: Value | undefined,
  input: Value | undefined,
  creating: boolean,
): Value {
  if (input instanceof Unknown) return unknown;
  if (isNothing(input)) return planAbsent(field, before, creating);
  if (field.ignored === true && !creating && before !== undefined) return before;
  switch (field.kind) {
    case "list":
      return Array.isArray(input) ? planList(field, before, input, creating) : input;
    case "set":
      return Array.isArray(input) ? planSet(field, before, input) : input;
    case "object":
      return isMap(input)
        ? planObject(field.fields ?? {}, isMap(before) ? before : {}, input, creating)
        : input;
    default:
      return !isNothing(before) && sameValue(field, before, input) ? before : input;
  }
}

/** Whether a change from `before` to `input` is none: equal, or two spellings of one value. */
export function sameValue(field: Field, before: Value, input: Value): boolean {
  if (equal(before, input)) return true;
  return field.same !== undefined && !hasUnknown(input) && field.same(before, input);
}

function planAbsent(field: Field, before: Value | undefined, creating: boolean): Value {
  if (field.output === true || field.computed === true) {
    return creating ? unknown : (before ?? unsetOf(field));
  }
  if (creating || isNothing(before)) return unsetOf(field);
  if (isZero(before) || field.ignored === true) return before;
  if (field.kind === "map") return {};
  // A number or flag whose default is zero goes back to it; anything else is taken away.
  if (typeof field.unset === "number" || typeof field.unset === "boolean") return field.unset;
  return Array.isArray(before) && before.some(isMap) ? [] : null;
}

function planList(field: Field, before: Value | undefined, input: Value[], creating: boolean): Value {
  const element = field.of ?? { kind: "string" };
  if (element.kind !== "object" && input.some(hasUnknown)) return unknown;
  const old = Array.isArray(before) ? before : [];
  return input.map((item, i) => planField(element, old[i], item, creating || i >= old.length));
}

function planSet(field: Field, before: Value | undefined, input: Value[]): Value {
  const element = field.of ?? { kind: "string" };
  if (element.kind !== "object" && input.some(hasUnknown)) return unknown;
  const old = new Map((Array.isArray(before) ? before : []).map((item) => [identity(item), item]));
  const planned = input.map((item) => {
    const filled = isMap(item) ? planObject(element.fields ?? {}, {}, item, false) : item;
    return old.get(identity(filled)) ?? filled;
  });
  // Terraform's sets hold an element once, however often it was given.
  const distinct = new Map(planned.map((item) => [identity(item), item]));
  return inSetOrder([...distinct.values()], element);
}

/**
 * The plan of Terraform's plugin framework: what is given counts; what is computed or has a default and isn't given
 * keeps its value; on creation it becomes the default, or unknown.
 */
function planFramework(
  fields: Fields,
  state: PropertyMap,
  inputs: PropertyMap,
  creating: boolean,
): PropertyMap {
  const planned: PropertyMap = {};
  for (const [name, field] of Object.entries(fields)) {
    const input = inputs[name];
    const before = state[name];
    if (input instanceof Unknown && field.fields !== undefined) {
      // An object is a block there, and a block has all its attributes.
      planned[name] = Object.fromEntries(Object.keys(field.fields).map((part) => [part, unknown]));
    } else if (field.output !== true && !isNothing(input)) {
      planned[name] = !isNothing(before) && sameValue(field, before, input) ? before : input;
    } else if (field.default !== undefined) {
      planned[name] = field.default;
    } else if (field.output === true || field.computed === true) {
      planned[name] = creating ? unknown : (before ?? null);
    } else {
      planned[name] = null;
    }
  }
  const changed = Object.keys(fields).some((name) => !equal(planned[name], state[name]));
  for (const [name, field] of Object.entries(fields))
    if (changed && field.fresh === true) planned[name] = unknown;
  return planned;
}
