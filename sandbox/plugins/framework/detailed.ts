/**
 * The detailed diff of flavour "sdk": the same keys and kinds as the bridge derives from a state and a planned
 * state (pulumi-terraform-bridge v3.136, `pkg/tfbridge/detailed_diff.go`, described in its README).
 */
import { child, element } from "./paths.ts";
import type { DiffKind, Field, Fields } from "./resource.ts";
import { identity } from "./sets.ts";
import { equal, isMap, isNothing, type PropertyMap, Unknown, type Value } from "./values.ts";

type Detailed = Map<string, DiffKind>;
type Change = "ADD" | "DELETE" | "UPDATE";

/** Key by key what changes from `state` to `planned`. `inputs` give the elements of sets their indices. */
export function detailedDiff(
  fields: Fields,
  state: PropertyMap,
  planned: PropertyMap,
  inputs: PropertyMap,
): Record<string, DiffKind> {
  const found: Detailed = new Map();
  for (const [name, field] of Object.entries(fields)) {
    diffValue(found, child("", name), field, false, state[name], planned[name], inputs[name]);
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function put(found: Detailed, path: string, change: Change, replaces: boolean): void {
  found.set(path, replaces ? `${change}_REPLACE` : change);
}

function diffValue(
  found: Detailed,
  path: string,
  field: Field,
  inherited: boolean,
  before: Value | undefined,
  after: Value | undefined,
  input: Value | undefined,
): void {
  const replaces = inherited || field.replace === true;
  const [hadNone, hasNone] = [isAbsent(before), isAbsent(after)];
  if (hadNone || hasNone || after instanceof Unknown) {
    if (hadNone && hasNone) return;
    const change = hadNone ? "ADD" : hasNone ? "DELETE" : "UPDATE";
    const inside = [after, before].some((value) => replacesInside(field, value));
    put(found, path, change, replaces || inside);
    return;
  }
  if (field.kind === "list" && Array.isArray(before) && Array.isArray(after)) {
    diffList(found, path, field, replaces, before, after, input);
  } else if (field.kind === "set" && Array.isArray(before) && Array.isArray(after)) {
    diffSet(found, path, field, replaces, before, after, input);
  } else if ((field.kind === "map" || field.kind === "object") && isMap(before) && isMap(after)) {
    diffMap(found, path, field, replaces, before, after, input);
  } else if (!equal(before, after)) {
    put(found, path, "UPDATE", replaces);
  }
}

/** An empty list or set counts as none; an empty map doesn't. */
function isAbsent(value: Value | undefined): boolean {
  return isNothing(value) || (Array.isArray(value) && value.length === 0);
}

/** Whether a part of the value has a field whose change replaces. */
function replacesInside(field: Field, value: Value | undefined): boolean {
  if (Array.isArray(value))
    return value.some((item) => field.of?.replace === true || replacesInside(field.of ?? field, item));
  if (!isMap(value)) return false;
  return Object.entries(field.fields ?? {}).some(
    ([name, part]) => !isNothing(value[name]) && (part.replace === true || replacesInside(part, value[name])),
  );
}

function diffMap(
  found: Detailed,
  path: string,
  field: Field,
  replaces: boolean,
  before: PropertyMap,
  after: PropertyMap,
  input: Value | undefined,
): void {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of [...names].sort()) {
    if (name.startsWith("__")) continue;
    const part = field.fields?.[name] ?? field.of ?? { kind: "any" };
    const partInput = isMap(input) ? input[name] : undefined;
    diffValue(found, child(path, name), part, replaces, before[name], after[name], partInput);
  }
}

function diffList(
  found: Detailed,
  path: string,
  field: Field,
  replaces: boolean,
  before: Value[],
  after: Value[],
  input: Value | undefined,
): void {
  if (field.of?.kind !== "object") {
    diffScalars(found, path, replaces, before, after);
    return;
  }
  for (let i = 0; i < Math.max(before.length, after.length); i++) {
    const itemInput = Array.isArray(input) ? input[i] : undefined;
    diffValue(found, element(path, i), field.of, replaces, before[i], after[i], itemInput);
  }
}

/** Elements that stay are found by the longest common subsequence, so that an insertion is one addition. */
function diffScalars(
  found: Detailed,
  path: string,
  replaces: boolean,
  before: Value[],
  after: Value[],
): void {
  const common = longestCommon(before, after);
  const removed = before.map((_, i) => i).filter((i) => !common.some(([old]) => old === i));
  const added = after.map((_, i) => i).filter((i) => !common.some(([, now]) => now === i));
  for (const i of removed) put(found, element(path, i), added.includes(i) ? "UPDATE" : "DELETE", replaces);
  for (const i of added) if (!removed.includes(i)) put(found, element(path, i), "ADD", replaces);
}

function longestCommon(before: Value[], after: Value[]): [number, number][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    new Array<number>(after.length + 1).fill(0),
  );
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] = equal(before[i], after[j]) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < before.length && j < after.length; ) {
    if (equal(before[i], after[j])) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

/**
 * An element that went is at its index in the state; one that came, at its index in the inputs. Where an element
 * that came can't be recognised among the inputs, the set as a whole is the one key.
 */
function diffSet(
  found: Detailed,
  path: string,
  field: Field,
  replaces: boolean,
  before: Value[],
  after: Value[],
  input: Value | undefined,
): void {
  const part = field.of ?? { kind: "string" };
  const old = new Map(before.map((item, i) => [identity(item), i]));
  const now = new Map(after.map((item, i) => [identity(item), i]));
  const removed = [...old].filter(([key]) => !now.has(key)).map(([, i]) => i);
  const added = [...now].filter(([key]) => !old.has(key)).map(([, i]) => i);
  if (removed.length === 0 && added.length === 0) return;
  const indices = matchInputs(
    part,
    added.sort((a, b) => a - b),
    after,
    Array.isArray(input) ? input : [],
  );
  if (indices === undefined) {
    // Only the set's own flag counts here, not those of what holds it or what it holds.
    put(found, path, "UPDATE", field.replace === true);
    return;
  }
  for (const i of new Set([...removed, ...indices.keys()])) {
    const plannedIndex = indices.get(i);
    const itemBefore = removed.includes(i) ? before[i] : undefined;
    const itemAfter = plannedIndex === undefined ? undefined : after[plannedIndex];
    diffValue(found, element(path, i), part, replaces, itemBefore, itemAfter, undefined);
  }
}

/** Index in the inputs → index in the plan of every added element; undefined when one isn't found. */
function matchInputs(
  part: Field,
  added: readonly number[],
  after: readonly Value[],
  inputs: readonly Value[],
): Map<number, number> | undefined {
  if (inputs.length < after.length) return undefined;
  const matched = new Map<number, number>();
  for (const plannedIndex of added) {
    const i = inputs.findIndex((item, at) => !matched.has(at) && comesFrom(part, item, after[plannedIndex]));
    if (i === -1) return undefined;
    matched.set(i, plannedIndex);
  }
  return matched;
}

/** Whether the planned value is the input, with nothing filled in but computed values and empty collections. */
function comesFrom(field: Field, input: Value | undefined, planned: Value | undefined): boolean {
  if (isNothing(input)) {
    if (isNothing(planned) || field.computed === true) return true;
    return Array.isArray(planned)
      ? planned.length === 0
      : isMap(planned) && Object.keys(planned).length === 0;
  }
  if (Array.isArray(input)) {
    return (
      Array.isArray(planned) &&
      planned.length === input.length &&
      input.every((item, i) => comesFrom(field.of ?? { kind: "any" }, item, planned[i]))
    );
  }
  if (isMap(input)) {
    if (!isMap(planned)) return false;
    const names = new Set([...Object.keys(input), ...Object.keys(planned)]);
    names.delete("__defaults");
    return [...names].every((name) =>
      comesFrom(field.fields?.[name] ?? field.of ?? { kind: "any" }, input[name], planned[name]),
    );
  }
  return equal(input, planned);
}
