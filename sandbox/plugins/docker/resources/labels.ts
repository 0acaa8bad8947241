/** Labels: a set of pairs in the program, a map in the engine's API. */
import type { Field } from "../../framework/resource.ts";
import { isMap, type PropertyMap, type Value } from "../../framework/values.ts";

/** The field `labels` of a resource; a change replaces it. */
export const labelsField: Field = {
  kind: "set",
  replace: true,
  of: {
    kind: "object",
    fields: {
      label: { kind: "string", required: true, replace: true, unset: "" },
      value: { kind: "string", required: true, replace: true, unset: "" },
    },
  },
};

/** As the engine takes them. */
export function labelsToMap(labels: Value | undefined): Record<string, string> {
  const pairs = Array.isArray(labels) ? labels.filter(isMap) : [];
  return Object.fromEntries(pairs.map(({ label, value }) => [text(label), text(value)]));
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

/** As the state holds them. */
export function labelsFromMap(labels: Readonly<Record<string, string>>): PropertyMap[] {
  return Object.entries(labels).map(([label, value]) => ({ label, value }));
}
