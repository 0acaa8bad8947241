/** What a refresh makes of inputs (flavour "sdk"). */
import { DEFAULTS } from "./check.ts";
import type { Field, Fields } from "./resource.ts";
import { identity } from "./sets.ts";
import { isMap, mapWithoutSecrets, type PropertyMap, type Value } from "./values.ts";

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
): { readonly value: PropertyMap; readonly same: boolean } {
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

interface Refreshed {
  readonly value: Value;
  readonly same: boolean;
}

function refreshValue(field: Field | undefined, old: Value, now: Value): Refreshed {
  if (Array.isArray(old) && Array.isArray(now)) {
    const paired = pair(field, old, now);
    const items = paired.map(([item, other]) => refreshValue(field?.of, item, other));
    const same = items.length === old.length && items.every((item) => item.same);
    return { value: items.map((item) => item.value), same };
  }
  if (isMap(old) && isMap(now)) {
    if (field?.fields !== undefined) return refreshObject(field.fields, old, now);
    const entries = Object.entries(old).flatMap(([name, item]): [string, Refreshed][] => {
      const other = now[name];
      return other === undefined ? [] : [[name, refreshValue(field?.of, item, other)]];
    });
    const value = Object.fromEntries(entries.map(([name, part]) => [name, part.value]));
    return {
      value,
      same: entries.length === Object.keys(old).length && entries.every(([, part]) => part.same),
    };
  }
  return { value: now, same: JSON.stringify(old) === JSON.stringify(now) };
}

/**
 * Every old element and what stands for it now: by position, but objects in a set by their content first, and what
 * has changed among them in the order that is left.
 */
function pair(field: Field | undefined, old: readonly Value[], now: readonly Value[]): [Value, Value][] {
  const left: (Value | undefined)[] = [...now];
  const found = new Map<number, Value>();
  const take = (i: number, at: number): void => {
    const other = left[at];
    if (other === undefined) return;
    found.set(i, other);
    left[at] = undefined;
  };
  const byContent = field?.kind === "set" && field.of?.kind === "object";
  if (byContent) {
    for (const [i, item] of old.entries()) {
      take(
        i,
        left.findIndex((other) => other !== undefined && covers(field.of, item, other)),
      );
    }
  }
  for (const i of old.keys()) {
    if (!found.has(i)) take(i, byContent ? left.findIndex((other) => other !== undefined) : i);
  }
  return old.flatMap((item, i): [Value, Value][] => {
    const other = found.get(i);
    return other === undefined ? [] : [[item, other]];
  });
}

/** Whether what was given is the same in the state; the order in sets doesn't count. */
function covers(field: Field | undefined, given: Value, now: Value | undefined): boolean {
  if (isMap(given)) {
    if (!isMap(now)) return false;
    const names = Object.keys(given).filter((name) => name !== DEFAULTS);
    return names.every((name) => covers(field?.fields?.[name] ?? field?.of, given[name] ?? null, now[name]));
  }
  if (!Array.isArray(given)) return identity(given) === identity(now ?? null);
  if (!Array.isArray(now) || given.length !== now.length) return false;
  if (field?.kind !== "set") return given.every((item, i) => covers(field?.of, item, now[i]));
  return given.every((item) => now.some((other) => covers(field.of, item, other)));
}
