/** What a preview of a Command answers. */
import {
  equal,
  hasUnknown,
  isMap,
  isNothing,
  type PropertyMap,
  Secret,
  unknown,
  type Value,
} from "../framework/values.ts";

/** The outputs that a run fills in, of those that a state has. */
const OUTPUTS = ["stdout", "stderr", "assets"] as const;

/**
 * The inputs, and the outputs as far as they are known: on creation not at all; on an update they stay known as long
 * as no input is unknown or differs from what it was (an input that is new doesn't count: a quirk of
 * pulumi-go-provider, `infer/resource.go`, markComputed).
 */
export function previewOf(inputs: PropertyMap, state: PropertyMap): PropertyMap {
  const creating = Object.keys(state).length === 0;
  const runs =
    creating ||
    Object.keys({ ...state, ...inputs }).some((name) => isInput(name) && changes(inputs[name], state[name]));
  const outputs: PropertyMap = {};
  for (const name of OUTPUTS) {
    const before = state[name];
    if (name === "assets" && before === undefined) continue;
    outputs[name] = runs ? unknown : (before ?? "");
  }
  const given = Object.entries(inputs).filter(([, value]) => !isNothing(value));
  return { ...Object.fromEntries(given), ...outputs };
}

function isInput(name: string): boolean {
  return !(OUTPUTS as readonly string[]).includes(name);
}

function changes(now: Value | undefined, before: Value | undefined): boolean {
  if (before === undefined) return hasUnknown(now);
  return hasUnknown(now) || !equal(now, before) || !sameSecrets(now, before);
}

/** Whether the same parts of both values are secret; a part that becomes secret has changed. */
function sameSecrets(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Secret || b instanceof Secret) return a instanceof Secret && b instanceof Secret;
  if (Array.isArray(a)) return Array.isArray(b) && a.every((item, i) => sameSecrets(item, b[i]));
  return !isMap(a) || !isMap(b) || Object.keys(a).every((name) => sameSecrets(a[name], b[name]));
}
