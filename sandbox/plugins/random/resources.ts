/**
 * The resources of the random provider 4.21.2 (terraform-provider-random 3.x): every input replaces, nothing can
 * drift, nothing is deleted.
 */
import { randomBytes } from "node:crypto";
import type { CheckFailure, Field, Fields, Resource } from "../framework/resource.ts";
import { equal, isMap, isNothing, type PropertyMap, type Value } from "../framework/values.ts";
import { bcrypt } from "./bcrypt.ts";
import { drawText } from "./characters.ts";

/** The cost with which the official provider hashes passwords. */
const BCRYPT_COST = 10;

const keepers: Field = { kind: "map", replace: true, replaceIf: keeperChanged };
const output: Field = { kind: "string", output: true };
const secretOutput: Field = { kind: "string", output: true, secret: true };

/** A keeper whose value is null counts as none, so that an empty map may become another kind of empty map. */
function keeperChanged(before: Value, after: Value): boolean {
  const [old, now] = [isMap(before) ? before : {}, isMap(after) ? after : {}];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].some(
    (name) => !equal(old[name], now[name]),
  );
}

/** What little can change without a replacement changes nothing that was drawn. */
const update = (): Promise<PropertyMap> => Promise.resolve({});

const allowed = (standard: boolean): Field => ({ kind: "bool", default: standard, replace: true });
const minimum: Field = { kind: "int", default: 0, replace: true };

const textFields: Fields = {
  keepers,
  length: { kind: "int", required: true, replace: true },
  lower: allowed(true),
  minLower: minimum,
  minNumeric: minimum,
  minSpecial: minimum,
  minUpper: minimum,
  number: allowed(true),
  numeric: allowed(true),
  overrideSpecial: { kind: "string", replace: true },
  special: allowed(true),
  upper: allowed(true),
  id: output,
};

/** `number` is the old name of `numeric`: whichever is given counts for both. */
function planText({ inputs, planned }: { inputs: PropertyMap; planned: PropertyMap }): PropertyMap {
  const numeric = inputs.numeric ?? inputs.number ?? planned.numeric ?? true;
  return { ...planned, numeric, number: numeric };
}

function checkText({ inputs }: { inputs: PropertyMap }): { inputs: PropertyMap; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const length = inputs.length;
  const least = ["minUpper", "minLower", "minNumeric", "minSpecial"].map((name) => numberOf(inputs[name]));
  const sum = least.reduce((a, b) => a + b, 0);
  if (typeof length === "number" && (length < 1 || length < sum)) {
    const floor = length < 1 ? "1" : "sum of min_upper + min_lower + min_numeric + min_special";
    const reason = `Invalid Attribute Value. Attribute length value must be at least ${floor}, got: ${length}`;
    failures.push({ property: "", reason });
  }
  const classes = ["special", "upper", "lower", "numeric"];
  if (inputs.number === undefined && classes.every((name) => inputs[name] === false)) {
    const reason =
      "Invalid Attribute Combination. At least one attribute out of [special,upper,lower,numeric] must be specified as true";
    failures.push({ property: "", reason });
  }
  return { inputs, failures };
}

function numberOf(value: Value | undefined): number {
  return typeof value === "number" ? value : 0;
}

/** A secret text and its bcrypt hash; its id is always "none". */
export const randomPassword: Resource<null> = {
  type: "random:index/randomPassword:RandomPassword",
  schemaVersion: 3,
  fields: { ...textFields, result: secretOutput, bcryptHash: secretOutput },
  plan: planText,
  check: checkText,
  update,
  create: ({ planned }) => {
    const result = drawText(planned);
    return Promise.resolve({
      id: "none",
      state: { id: "none", result, bcryptHash: bcrypt(result, BCRYPT_COST) },
    });
  },
};

/** A text that is no secret; it is its own id. */
export const randomString: Resource<null> = {
  type: "random:index/randomString:RandomString",
  schemaVersion: 2,
  fields: { ...textFields, result: output },
  plan: planText,
  check: checkText,
  update,
  create: ({ planned }) => {
    const result = drawText(planned);
    return Promise.resolve({ id: result, state: { id: result, result } });
  },
};

/** Random bytes in four spellings, each behind the prefix; not secret. */
export const randomId: Resource<null> = {
  type: "random:index/randomId:RandomId",
  fields: {
    keepers,
    byteLength: { kind: "int", required: true, replace: true },
    prefix: { kind: "string", replace: true },
    b64Std: output,
    b64Url: output,
    dec: output,
    hex: output,
    id: output,
  },
  update,
  create: ({ inputs }) => {
    const bytes = randomBytes(Number(inputs.byteLength));
    const prefix = isNothing(inputs.prefix) ? "" : String(inputs.prefix as string);
    const hex = bytes.toString("hex");
    const id = bytes.toString("base64url");
    const state = {
      id,
      b64Url: prefix + id,
      b64Std: prefix + bytes.toString("base64"),
      hex: prefix + hex,
      dec: prefix + BigInt(`0x0${hex}`).toString(),
    };
    return Promise.resolve({ id, state });
  },
};

/** Sixteen random bytes in the spelling of a UUID, without a version in it (as hashicorp/go-uuid makes them). */
export const randomUuid: Resource<null> = {
  type: "random:index/randomUuid:RandomUuid",
  fields: { keepers, result: output, id: output },
  update,
  create: () => {
    const hex = randomBytes(16).toString("hex");
    const cuts = [0, 8, 12, 16, 20, 32];
    const id = cuts
      .slice(1)
      .map((end, i) => hex.slice(cuts[i], end))
      .join("-");
    return Promise.resolve({ id, state: { id, result: id } });
  },
};

/** Secret random bytes; the id is their base64 in the clear, as in the official provider. */
export const randomBytesResource: Resource<null> = {
  type: "random:index/randomBytes:RandomBytes",
  fields: {
    keepers,
    length: { kind: "int", required: true, replace: true },
    base64: secretOutput,
    hex: secretOutput,
  },
  check: ({ inputs }) => ({ inputs, failures: atLeastOne(inputs, "length") }),
  update,
  create: ({ inputs }) => {
    const bytes = randomBytes(Number(inputs.length));
    const base64 = bytes.toString("base64");
    return Promise.resolve({ id: base64, state: { base64, hex: bytes.toString("hex") } });
  },
};

function atLeastOne(inputs: PropertyMap, name: string): CheckFailure[] {
  const value = inputs[name];
  if (typeof value !== "number" || value >= 1) return [];
  return [
    {
      property: "",
      reason: `Invalid Attribute Value. Attribute ${name} value must be at least 1, got: ${value}`,
    },
  ];
}
