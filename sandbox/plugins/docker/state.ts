/**
 * States as Terraform SDK v2 leaves them: what the daemon says, and what was planned, laid together by its rules
 * (hashicorp/terraform-plugin-sdk v2.40.1, helper/schema/grpc_provider.go `normalizeNullValues`).
 */
import type { Field, Fields } from "../framework/resource.ts";
import { inSetOrder } from "../framework/sets.ts";
import {
  equal,
  hasUnknown,
  isMap,
  isNothing,
  type PropertyMap,
  Unknown,
  type Value,
} from "../framework/values.ts";

/**
 * The state after a create: `seen` is what was read back, `planned` what was expected. Empty and absent collections
 * are the same, and then the planned spelling counts; a set that was known beforehand stays as planned.
 */
export function afterCreate(fields: Fields, planned: PropertyMap, seen: PropertyMap): PropertyMap {
  const names = Object.keys(fields).filter((name) => name in planned || name in seen);
  return Object.fromEntries(
    names.map((name) => [name, applied(fields[name], planned[name] ?? null, seen[name])]),
  );
}

function applied(field: Field | undefined, planned: Value, seen: Value | undefined): Value {
  if (seen === undefined) return planned instanceof Unknown ? null : planned;
  if (planned instanceof Unknown) return seen;
  const collection = field?.kind === "list" || field?.kind === "set" || field?.kind === "map";
  if (collection && ((isNothing(planned) && isEmpty(seen)) || (isEmpty(planned) && isNothing(seen))))
    return planned;
  if (isNothing(planned)) return seen;
  if (field?.kind === "set" && !hasUnknown(planned)) return planned;
  if (field?.kind === "object" && isMap(planned)) {
    return afterCreate(field.fields ?? {}, planned, isMap(seen) ? seen : {});
  }
  if (
    field?.kind === "list" &&
    Array.isArray(planned) &&
    Array.isArray(seen) &&
    planned.length === seen.length
  ) {
    return seen.map((item, i) => applied(field.of, planned[i] ?? null, item));
  }
  return isNothing(seen) && planned === "" ? planned : seen;
}

function isEmpty(value: Value): boolean {
  return Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
}

/**
 * The state of a resource that was only half made: nothing was read back, and what only the daemon could have told is
 * absent (sets: empty).
 */
export function halfMade(fields: Fields, planned: PropertyMap): PropertyMap {
  const sets = Object.entries(fields).filter(
    ([name, { kind }]) => kind === "set" && planned[name] instanceof Unknown,
  );
  return afterCreate(fields, planned, Object.fromEntries(sets.map(([name]) => [name, []])));
}

/** The state after an update, which nothing is read back after: what was dropped from the inputs is "", 0 or false. */
export function afterUpdate(fields: Fields, before: PropertyMap, planned: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(planned).map(([name, value]) => {
      const field = fields[name];
      const dropped = isNothing(value) && !isNothing(before[name]) && field !== undefined && isScalar(field);
      return [name, dropped ? zeroOf(field) : value];
    }),
  );
}

function isScalar({ kind }: Field): boolean {
  return kind === "string" || kind === "number" || kind === "bool";
}

/**
 * A plan whose unchanged sets are written as the SDK writes them anew: numbers and booleans in their elements that
 * were never given are 0 and false. (After a create they are absent.)
 */
export function withUnchangedSetZeros(
  fields: Fields,
  before: PropertyMap,
  planned: PropertyMap,
): PropertyMap {
  const zeros = withSetZeros(fields, planned);
  const zerosBefore = withSetZeros(fields, before);
  return Object.fromEntries(
    Object.entries(planned).map(([name, value]) => {
      const unchanged = !isNothing(before[name]) && equal(zeros[name], zerosBefore[name]);
      return [name, unchanged ? (zeros[name] ?? null) : value];
    }),
  );
}

/**
 * The state after a read: inside sets, numbers and booleans that were never given become 0 and false,
 * because the SDK writes every set anew.
 */
export function withSetZeros(fields: Fields, state: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      const field = fields[name];
      const inside = field?.kind === "set" ? field.of?.fields : undefined;
      if (inside === undefined || !Array.isArray(value)) return [name, value];
      const items = value.map((item) => (isMap(item) ? zeroed(inside, item) : item));
      return [name, inSetOrder(items, field?.of ?? { kind: "any" })];
    }),
  );
}

/** An element of a set as the SDK writes it anew: what was never given is "", 0, false or empty. */
export function zeroed(fields: Fields, item: PropertyMap): PropertyMap {
  const result: PropertyMap = { ...item };
  for (const [name, field] of Object.entries(fields)) {
    if (isNothing(result[name])) result[name] = zeroOf(field);
  }
  return result;
}

function zeroOf(field: Field): Value {
  switch (field.kind) {
    case "number":
      return 0;
    case "bool":
      return false;
    case "string":
      return "";
    case "map":
      return {};
    case "list":
    case "set":
      return [];
    default:
      return null;
  }
}
