/**
 * Check: are these inputs allowed, and what do they become with defaults and generated names filled in.
 * Everything that the table doesn't know is refused by name.
 */
import { createHash, randomBytes } from "node:crypto";
import { child, element } from "./paths.ts";
import type { Checked, CheckFailure, Field, Fields, Flavour } from "./resource.ts";
import { Archive, Asset, isMap, isNothing, type PropertyMap, Secret, Unknown, type Value } from "./values.ts";

/** The property in which flavour "sdk" lists which inputs are defaults. */
export const DEFAULTS = "__defaults";

/** What a generated name depends on. */
export interface Naming {
  /** The resource's name in the program. */
  readonly name: string;
  /** The engine's seed: the same seed gives the same name. Empty: a name by chance. */
  readonly seed: Uint8Array;
  /** A name that the user's autonaming settings propose. */
  readonly proposed?: string;
  /** The user's settings switch generated names off. */
  readonly disabled?: boolean;
}

/**
 * Checks inputs against a table. `olds` are the inputs of the last deployment (empty for a new or replaced
 * resource): defaults and generated names stick to what they were.
 */
export function checkInputs(
  fields: Fields,
  flavour: Flavour,
  what: string,
  olds: PropertyMap,
  news: PropertyMap,
  naming: Naming,
): Checked {
  const failures: CheckFailure[] = [];
  const inputs = checkObject({ flavour, what, failures, naming }, "", fields, olds, news);
  return { inputs, failures };
}

interface Context {
  readonly flavour: Flavour;
  readonly what: string;
  readonly failures: CheckFailure[];
  readonly naming: Naming;
}

/** Notes a fault. Flavour "framework" names no property beside the reason, and the engine then shows no value. */
function fail(context: Context, at: string, reason: string): void {
  context.failures.push({ property: context.flavour === "framework" ? "" : at, reason });
}

function checkObject(
  context: Context,
  path: string,
  fields: Fields,
  olds: PropertyMap,
  news: PropertyMap,
): PropertyMap {
  const inputs: PropertyMap = {};
  for (const [name, value] of Object.entries(news)) {
    if (name === DEFAULTS || value === null) continue;
    const field = fields[name];
    const at = child(path, name);
    const fault = field === undefined ? `${context.what} has no input "${at}"` : refusal(at, field);
    if (fault !== undefined || field === undefined) {
      fail(context, at, fault ?? "");
      continue;
    }
    inputs[name] = checkValue(context, at, field, olds[name], value);
  }
  checkConflicts(context, path, fields, inputs);
  const filled = addDefaults(context, path, fields, olds, inputs);
  if (context.flavour === "sdk") inputs[DEFAULTS] = filled.sort();
  for (const [name, field] of Object.entries(fields)) {
    if (field.required !== true || inputs[name] !== undefined) continue;
    fail(context, child(path, name), `Missing required property '${child(path, name)}'`);
  }
  return inputs;
}

function refusal(at: string, field: Field): string | undefined {
  if (field.output === true) return `"${at}" is an output and can't be given`;
  if (field.unsupported === undefined) return undefined;
  return `"${at}" is not supported by the sandbox's stand-in plugin: ${field.unsupported}`;
}

function checkConflicts(context: Context, path: string, fields: Fields, inputs: PropertyMap): void {
  for (const name of Object.keys(inputs)) {
    for (const other of fields[name]?.conflictsWith ?? []) {
      if (inputs[other] === undefined) continue;
      const reason = `Conflicting configuration arguments: "${name}" conflicts with ${other}`;
      fail(context, child(path, name), reason);
    }
  }
}

/** Fills in defaults and names; gives back the names of what it filled in. */
function addDefaults(
  context: Context,
  path: string,
  fields: Fields,
  olds: PropertyMap,
  inputs: PropertyMap,
): string[] {
  // Terraform's plugin framework applies its defaults in the plan, not in the inputs.
  if (context.flavour === "framework") return [];
  const oldDefaults = olds[DEFAULTS];
  const sticky = (name: string): boolean => !Array.isArray(oldDefaults) || oldDefaults.includes(name);
  const filled: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (inputs[name] !== undefined) continue;
    if ((field.conflictsWith ?? []).some((other) => inputs[other] !== undefined)) continue;
    const old = olds[name];
    const hasDefault = field.default !== undefined || field.autoname !== undefined;
    const value =
      hasDefault && !isNothing(old) && sticky(name)
        ? old
        : (field.default ??
          (field.autoname === undefined || path !== "" ? undefined : autoname(context, field)));
    if (value === undefined) continue;
    inputs[name] = value;
    filled.push(name);
  }
  return filled;
}

function autoname(context: Context, field: Field): string | undefined {
  const { naming } = context;
  if (naming.disabled === true) return undefined;
  if (naming.proposed !== undefined) return naming.proposed;
  const maxLength = typeof field.autoname === "object" ? field.autoname.maxLength : 255;
  const random =
    naming.seed.length > 0
      ? createHash("sha256").update(naming.seed).digest("hex")
      : randomBytes(4).toString("hex");
  const suffix = `-${random.slice(0, 7)}`;
  return naming.name.slice(0, maxLength - suffix.length) + suffix;
}

function checkValue(context: Context, at: string, field: Field, old: Value | undefined, value: Value): Value {
  if (value instanceof Secret) return new Secret(checkValue(context, at, field, old, value.value));
  if (value instanceof Unknown) return value;
  const refuse = (expected: string): Value => {
    fail(context, at, `"${at}" must be ${expected}, got ${kindOf(value)}`);
    return value;
  };
  switch (field.kind) {
    case "string":
      return checkText(context, at, field, value) ?? refuse("a string");
    case "number":
      return numberIn(context, value) ?? refuse("a number");
    case "int": {
      const number = numberIn(context, value);
      return number !== undefined && Number.isInteger(number) ? number : refuse("a whole number");
    }
    case "bool":
      return typeof value === "boolean" ? value : (boolIn(context, value) ?? refuse("true or false"));
    case "asset":
      return value instanceof Asset || value instanceof Archive ? value : refuse("an asset or an archive");
    case "any":
      return value;
    case "list":
    case "set":
      return Array.isArray(value) ? checkList(context, at, field, old, value) : refuse("a list");
    case "map":
      return isMap(value) ? checkMap(context, at, field, value) : refuse("an object");
    case "object":
      return isMap(value)
        ? checkObject(context, at, field.fields ?? {}, isMap(old) ? old : {}, value)
        : refuse("an object");
  }
}

/** The bridge takes numbers and booleans for strings; the official command plugin doesn't. */
function checkText(context: Context, at: string, field: Field, value: Value): string | undefined {
  const spelled = typeof value === "number" || typeof value === "boolean";
  const text = spelled && context.flavour !== "native" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  if (field.oneOf !== undefined && !field.oneOf.includes(text)) {
    const allowed = field.oneOf.map((one) => `"${one}"`).join(", ");
    fail(context, at, `expected "${at}" to be one of [${allowed}]`);
  }
  return text;
}

function numberIn(context: Context, value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (context.flavour === "native" || typeof value !== "string") return undefined;
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}

function boolIn(context: Context, value: Value): boolean | undefined {
  if (context.flavour !== "sdk") return undefined;
  return value === "true" ? true : value === "false" ? false : undefined;
}

function checkList(
  context: Context,
  at: string,
  field: Field,
  old: Value | undefined,
  value: Value[],
): Value {
  const part = field.of ?? { kind: "string" };
  return value.map((item, i) =>
    item === null
      ? null
      : checkValue(context, element(at, i), part, Array.isArray(old) ? old[i] : undefined, item),
  );
}

function checkMap(context: Context, at: string, field: Field, value: PropertyMap): Value {
  const part = field.of ?? { kind: "string" };
  const entries = Object.entries(value).filter(
    ([, item]) => item !== null || context.flavour === "framework",
  );
  return Object.fromEntries(
    entries.map(([name, item]) => [
      name,
      item === null ? null : checkValue(context, child(at, name), part, undefined, item),
    ]),
  );
}

/** Names the type of a value, never the value itself: it may be a secret. */
function kindOf(value: Value): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object")
    return isMap(value) ? "an object" : `a ${value.constructor.name.toLowerCase()}`;
  return `a ${typeof value === "boolean" ? "boolean" : typeof value}`;
}
