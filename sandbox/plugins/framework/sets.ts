/**
 * Sets without order: which elements are the same, and the order in which the official plugins write them.
 */
import type { Field, Fields } from "./resource.ts";
import { isMap, isNothing, type PropertyMap, Secret, Unknown, type Value } from "./values.ts";

/** Whether the value counts as not given: nothing, "", 0, false, or an empty collection. */
export function isZero(value: Value | undefined): boolean {
  if (value instanceof Secret) return isZero(value.value);
  if (isNothing(value) || value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isMap(value) && Object.keys(value).length === 0;
}

/**
 * A text that is the same for two elements exactly when they are the same element of a set. Values that count as
 * not given are left out, as Terraform's set hash leaves them out; so is the bridge's `__defaults`.
 */
export function identity(value: Value): string {
  if (value instanceof Secret) return identity(value.value);
  if (value instanceof Unknown) return "?";
  if (Array.isArray(value)) return `[${value.map(identity).join(",")}]`;
  if (isMap(value)) {
    const parts = Object.keys(value)
      .filter((name) => name !== "__defaults" && !isZero(value[name]))
      .sort()
      .map((name) => `${name}:${identity(value[name] ?? null)}`);
    return `{${parts.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The elements in the order of the official plugins' outputs. */
export function inSetOrder(elements: readonly Value[], element: Field): Value[] {
  return [...elements].sort((a, b) => compare(a, b, element));
}

function compare(a: Value, b: Value, element: Field): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  return compareText(orderKey(a, element), orderKey(b, element));
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The text by which Terraform orders objects in a set (go-cty, `cty/set_internals.go`, makeSetHashBytes):
 * "~" for nothing, "?" for unknown, "T" and "F", quoted strings; attributes in order of their snake_case names.
 */
function orderKey(value: Value, field: Field): string {
  if (isNothing(value)) return "~";
  if (value instanceof Unknown) return "?";
  if (value instanceof Secret) return orderKey(value.value, field);
  if (typeof value === "boolean") return value ? "T" : "F";
  if (Array.isArray(value)) {
    return `[${value.map((item) => `${orderKey(item, field.of ?? { kind: "string" })};`).join("")}]`;
  }
  if (isMap(value)) return objectOrderKey(value, field.fields ?? {});
  return JSON.stringify(value);
}

function objectOrderKey(value: PropertyMap, fields: Fields): string {
  const names = Object.keys(Object.keys(fields).length > 0 ? fields : value);
  const sorted = names.map((name) => ({ name, snake: snakeCase(name) }));
  sorted.sort((a, b) => compareText(a.snake, b.snake));
  const parts = sorted.map(
    ({ name }) => `${orderKey(value[name] ?? null, fields[name] ?? { kind: "any" })};`,
  );
  return `<${parts.join("")}>`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
