/** Diff in the style of each flavour. */

import { DEFAULTS } from "./check.ts";
import { detailedDiff } from "./detailed.ts";
import { child, element, topLevel } from "./paths.ts";
import { planState } from "./plan.ts";
import type { DiffAnswer, DiffKind, Flavour, Resource } from "./resource.ts";
import {
  equal,
  hasUnknown,
  isMap,
  isNothing,
  type PropertyMap,
  Secret,
  Unknown,
  type Value,
} from "./values.ts";

/** What is compared: the state and inputs of the last deployment with the checked inputs. */
export interface DiffQuestion {
  readonly state: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly inputs: PropertyMap;
  /** Paths of inputs whose changes the user wants ignored. */
  readonly ignoreChanges: readonly string[];
}

/** The verdict by the resource's table. */
export function diff<P>(resource: Resource<P>, flavour: Flavour, question: DiffQuestion): DiffAnswer {
  if (flavour === "native") return diffNative(resource, question);
  if (flavour === "framework") return diffFramework(resource, question);
  return diffSdk(resource, question);
}

function diffSdk<P>(resource: Resource<P>, question: DiffQuestion): DiffAnswer {
  const planned = planState(resource, "sdk", question.state, question.inputs);
  const all = detailedDiff(resource.fields, question.state, planned, question.inputs);
  const detailed = withoutIgnored(all, question.ignoreChanges);
  const { diffs, replaces } = summary(detailed);
  const stables = Object.entries(resource.fields)
    .filter(([name, field]) => field.replace === true && !replaces.includes(name))
    .map(([name]) => name)
    .sort();
  const deleteBeforeReplace =
    replaces.length > 0 && (resource.deleteBeforeReplace === true || hasOwnName(resource, question.inputs));
  return { changed: diffs.length > 0, replaces, diffs, stables, deleteBeforeReplace, detailed };
}

/** Whether a name that could have been generated was given by the user: two such resources can't coexist. */
function hasOwnName<P>(resource: Resource<P>, inputs: PropertyMap): boolean {
  const defaults = inputs[DEFAULTS];
  if (!Array.isArray(defaults)) return false;
  return Object.entries(resource.fields).some(
    ([name, field]) => field.autoname !== undefined && inputs[name] !== undefined && !defaults.includes(name),
  );
}

function summary(detailed: Readonly<Record<string, DiffKind>>): { diffs: string[]; replaces: string[] } {
  const keys = Object.keys(detailed);
  const replacing = keys.filter((key) => detailed[key]?.endsWith("REPLACE"));
  // The official plugin lists a property once for every key below it that replaces.
  return { diffs: [...new Set(keys.map(topLevel))].sort(), replaces: replacing.map(topLevel).sort() };
}

function withoutIgnored(
  detailed: Readonly<Record<string, DiffKind>>,
  ignoreChanges: readonly string[],
): Record<string, DiffKind> {
  const ignored = (key: string): boolean =>
    ignoreChanges.some((path) => key === path || key.startsWith(`${path}.`) || key.startsWith(`${path}[`));
  return Object.fromEntries(Object.entries(detailed).filter(([key]) => !ignored(key)));
}

function diffFramework<P>(resource: Resource<P>, question: DiffQuestion): DiffAnswer {
  const inputs = { ...question.inputs };
  for (const path of question.ignoreChanges) {
    const old = question.state[topLevel(path)];
    if (old !== undefined) inputs[topLevel(path)] = old;
  }
  const planned = planState(resource, "framework", question.state, inputs);
  const names = Object.keys(resource.fields).filter((name) => !equal(question.state[name], planned[name]));
  const diffs = names.sort();
  const replaces = diffs.filter((name) => {
    const field = resource.fields[name];
    const really = field?.replaceIf?.(question.state[name] ?? null, planned[name] ?? null) ?? true;
    const always = resource.update === undefined && field?.output !== true;
    return always || (field?.replace === true && really);
  });
  return { changed: diffs.length > 0, replaces, diffs };
}

function diffNative<P>(resource: Resource<P>, question: DiffQuestion): DiffAnswer {
  const inputs = { ...question.inputs };
  for (const path of question.ignoreChanges) {
    const old = question.state[path];
    if (old !== undefined) inputs[path] = old;
  }
  const found: Record<string, DiffKind> = {};
  compareInputs(found, "", withoutInternal(question.oldInputs), withoutInternal(inputs));
  const detailed = Object.fromEntries(
    Object.entries(found).map(([key, kind]) => {
      const replaces = resource.update === undefined || resource.fields[key]?.replace === true;
      return [key, replaces ? (`${kind}_REPLACE` as DiffKind) : kind];
    }),
  );
  const { diffs, replaces } = summary(detailed);
  return { changed: diffs.length > 0, replaces, diffs, detailed };
}

function withoutInternal(map: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(map).filter(([name]) => name !== "version" && !name.startsWith("__")),
  );
}

/** The engine's own comparison of two property maps, key by key. */
function compareInputs(
  found: Record<string, DiffKind>,
  path: string,
  before: PropertyMap,
  after: PropertyMap,
): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compareValues(found, child(path, name), before[name], after[name]);
  }
}

function compareValues(
  found: Record<string, DiffKind>,
  path: string,
  before: Value | undefined,
  after: Value | undefined,
): void {
  const put = (): void => {
    found[path] = isNothing(before) ? "ADD" : isNothing(after) ? "DELETE" : "UPDATE";
  };
  if (before instanceof Secret || after instanceof Secret) {
    // A secret is compared as a whole, and a value that becomes one, or stops being one, has changed. An unknown
    // secret counts as no change at all, as in the official plugins.
    const unknownSecret = after instanceof Secret && after.value instanceof Unknown;
    const same = before instanceof Secret && after instanceof Secret && equal(before, after);
    if (!unknownSecret && !same) put();
    return;
  }
  if (isMap(before) && isMap(after)) {
    compareInputs(found, path, before, after);
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      compareValues(found, element(path, i), before[i], after[i]);
    }
  } else if (hasUnknown(after) || !equal(before, after)) put();
}
