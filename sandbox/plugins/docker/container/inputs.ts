/** Reading inputs and states by name, as Terraform's `d.Get` and `d.GetOk` do: "" and 0 and [] count as not set. */
import { isMap, type PropertyMap, type Value } from "../../framework/values.ts";

/** A text; "" when it isn't given. */
export function textIn(map: PropertyMap, name: string): string {
  const value = map[name];
  return typeof value === "string" ? value : "";
}

/** A number; 0 when it isn't given. */
export function numberIn(map: PropertyMap, name: string): number {
  const value = map[name];
  return typeof value === "number" ? value : 0;
}

/** Whether it is given and true. */
export function trueIn(map: PropertyMap, name: string): boolean {
  return map[name] === true;
}

/** A list of texts; null elements are "". */
export function textsIn(map: PropertyMap, name: string): string[] {
  const value = map[name];
  return Array.isArray(value) ? value.map((item) => (typeof item === "string" ? item : "")) : [];
}

/** A set of texts: each once. */
export function setIn(map: PropertyMap, name: string): string[] {
  return [...new Set(textsIn(map, name))];
}

/** A list or set of objects. */
export function objectsIn(map: PropertyMap, name: string): PropertyMap[] {
  const value = map[name];
  return Array.isArray(value) ? value.filter(isMap) : [];
}

/** An object; undefined when it isn't given. */
export function objectIn(map: PropertyMap, name: string): PropertyMap | undefined {
  const value = map[name];
  return isMap(value) ? value : undefined;
}

/** A map of texts; undefined when it isn't given or is empty. */
export function mapIn(map: PropertyMap, name: string): Record<string, string> | undefined {
  const entries = Object.entries(objectIn(map, name) ?? {}).map(([key, value]): [string, string] => [
    key,
    textOf(value),
  ]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function textOf(value: Value): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}
