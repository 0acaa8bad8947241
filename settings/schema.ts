/**
 * What every setting's schema carries besides its rule (meaning, allowed values, example), and how to find it
 * again: for the messages of faults (issues.ts) and for the reference (reference.ts).
 */
import * as z from "zod";

/** What a setting's schema says about itself, in words. */
export interface About {
  /** What it is, its unit, and what happens when it changes; whole sentences. */
  readonly description: string;
  /** The kind of value, for the reference's column "type". */
  readonly type: string;
  /** What is allowed, in words that follow "must be". */
  readonly allowed: string;
  /** A valid value, as a user writes it. */
  readonly example: string;
  /** The default in words, where it is computed from something else. */
  readonly default?: string;
  /** True if the value may be a secret and is never shown. */
  readonly secret?: boolean;
}

/** Gives a schema its words. Goes inside `optional`, `default` and `prefault`. */
export function setting<S extends z.ZodType>(schema: S, about: About): S {
  return schema.meta({ ...about });
}

/** A rule between several settings of an object. */
export interface Rule {
  /** The setting whose path the fault gets. */
  readonly path: string;
  /** What is wrong, in words that follow the path. */
  readonly problem: string;
  /** What to do. */
  readonly fix: string;
  /** True for a rule about what is there, not about values: it is checked even if values have faults. */
  readonly aboutPresence?: boolean;
}

/** Adds a rule between several settings of an object. */
export function rule<S extends z.ZodType<object>>(
  schema: S,
  { path, problem, fix, aboutPresence = false }: Rule,
  holds: (section: Readonly<Record<string, unknown>>) => boolean,
): S {
  return schema.refine(
    (section) =>
      typeof section !== "object" || section === null || holds(Object.fromEntries(Object.entries(section))),
    { path: [path], error: problem, params: { fix }, ...(aboutPresence ? { when: () => true } : {}) },
  );
}

/** The words of a schema, if it or what it wraps has some. */
export function aboutOf(schema: z.core.$ZodType): About | undefined {
  for (const layer of layersOf(schema)) {
    const meta = z.globalRegistry.get(layer);
    if (meta !== undefined && typeof meta.allowed === "string") return meta as unknown as About;
  }
  return undefined;
}

/** The default as the user would have written it, or undefined if there is none. */
export function defaultOf(schema: z.core.$ZodType): unknown {
  for (const layer of layersOf(schema)) {
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) return layer.def.defaultValue;
  }
  return undefined;
}

/** True if the setting may be left out. */
export function isOptional(schema: z.core.$ZodType): boolean {
  return layersOf(schema).some(
    (layer) =>
      layer instanceof z.ZodOptional || layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault,
  );
}

/** True if the setting is a list. */
export function isList(schema: z.core.$ZodType): boolean {
  return layersOf(schema).some((layer) => layer instanceof z.ZodArray);
}

/** True if the setting is an object whose keys the user chooses. */
export function isMap(schema: z.core.$ZodType): boolean {
  return layersOf(schema).some((layer) => layer instanceof z.ZodRecord);
}

/** The settings inside a schema by their keys, or undefined if it isn't an object (or object in a union). */
export function shapeOf(schema: z.core.$ZodType): Record<string, z.core.$ZodType> | undefined {
  for (const layer of layersOf(schema)) {
    if (layer instanceof z.ZodObject) return layer.shape;
    if (layer instanceof z.ZodUnion) {
      for (const option of layer.options) {
        const shape = shapeOf(option);
        if (shape !== undefined) return shape;
      }
    }
  }
  return undefined;
}

/** The schemas met on the way to a setting, from the outside in; shorter than the path if the way ends. */
export function schemasAlong(root: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType[] {
  const found = [root];
  for (const key of path) {
    const last = found.at(-1);
    const next = last === undefined ? undefined : childOf(last, key);
    if (next === undefined) break;
    found.push(next);
  }
  return found;
}

function childOf(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const shape = shapeOf(schema);
  if (shape !== undefined) return Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
  for (const layer of layersOf(schema)) {
    if (layer instanceof z.ZodRecord) return layer.valueType;
    if (layer instanceof z.ZodArray) return layer.element;
  }
  return undefined;
}

/** A schema and everything that it wraps, from the outside in. */
function layersOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  const layers = [schema];
  for (let layer: z.core.$ZodType | undefined = schema; layer !== undefined; ) {
    layer = innerOf(layer);
    if (layer !== undefined) layers.push(layer);
  }
  return layers;
}

function innerOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodPipe) {
    return schema.def.in instanceof z.ZodTransform ? schema.def.out : schema.def.in;
  }
  if (schema instanceof z.ZodOptional) return schema.def.innerType;
  if (schema instanceof z.ZodDefault) return schema.def.innerType;
  if (schema instanceof z.ZodPrefault) return schema.def.innerType;
  return undefined;
}
