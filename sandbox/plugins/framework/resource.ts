/**
 * How a stand-in describes a resource: one table of fields, and a few handlers. Everything else (Check with its
 * defaults and generated names, Diff with its detailed keys, previews, secrets, unknowns) follows from the table
 * in this folder's other modules.
 *
 * A resource is a `Resource` object:
 *
 * ```ts
 * export const volume: Resource<Docker> = {
 *   type: "docker:index/volume:Volume",
 *   schemaVersion: 1,                    // goes to outputs' __meta; leave out where the official one has none
 *   fields: {
 *     name:   { kind: "string", computed: true, replace: true, autoname: true },
 *     labels: { kind: "set", computed: true, replace: true, unset: [], of: { kind: "object", fields: {
 *       label: { kind: "string", required: true, replace: true },
 *       value: { kind: "string", required: true, replace: true },
 *     } } },
 *     driver: { kind: "string", computed: true, replace: true },
 *     mountpoint: { kind: "string", output: true },
 *   },
 *   create: async ({ provider, inputs }) => ({ id, state: { mountpoint, ... } }),
 *   read:   async ({ provider, id, state }) => ({ id, state }) or undefined when it is gone,
 *   update: async ({ provider, id, state, inputs, planned }) => newState,
 *   delete: async ({ provider, id, state, inputs }) => {},
 * };
 * ```
 *
 * - `provider` is what the provider's `configure` returned (for docker: the client).
 * - Handlers get plain, known values: no secrets' marks, no unknowns, and no `__defaults`. (Only the flavour
 *   "native" gets secrets from the engine at all; they are put back around the echoed inputs.)
 * - `state` in a handler's answer is laid over the planned state (inputs, defaults, `unset` values), so a handler
 *   may return only what it fills in, or everything. `id` and `__meta` are added.
 * - Something half-made that must stay in the state: throw `PartlyDone` (errors.ts).
 * - Not known by the table = refused by name, at Check. A field that the official plugin has and the stand-in
 *   hasn't: give it `unsupported: "why / what instead"`, so that the message says so.
 * - `previewOf` and `diff` replace the shared mechanism for a resource that doesn't follow it (docker.Image);
 *   `check` runs after the shared Check and may change inputs and add failures; `plan` may change the planned
 *   state (both see unknowns).
 */
import type { PropertyMap, Value } from "./values.ts";

/** What kind of values a field takes. "set" has no order; "object" has named `fields`; "map" has free keys. */
export type Kind = "string" | "number" | "int" | "bool" | "list" | "set" | "map" | "object" | "any" | "asset";

/** One property of a resource, or one part of a nested property. */
export interface Field {
  readonly kind: Kind;
  /** Must be given. Default: false. */
  readonly required?: boolean;
  /** Only ever an output. Default: false. */
  readonly output?: boolean;
  /** The provider fills it in when it is not given; dropping it from the program then changes nothing. */
  readonly computed?: boolean;
  /** A change replaces the resource. Default: false, a change updates it. */
  readonly replace?: boolean;
  /** With `replace`: whether this very change replaces (flavour "framework"). Default: every change does. */
  readonly replaceIf?: (before: Value, after: Value) => boolean;
  /** A change is never shown and changes nothing. Default: false. */
  readonly ignored?: boolean;
  /** Two spellings of the same value (the bridge's DiffSuppressFunc). Called with known, plain values. */
  readonly same?: (before: Value, after: Value) => boolean;
  /** An output that any change makes unknown (flavour "framework"). Default: it is planned to stay. */
  readonly fresh?: boolean;
  /** The value when it is not given. Flavour "sdk" puts it into the inputs and lists it in `__defaults`. */
  readonly default?: Value;
  /** Named after the resource, `<name>-<7 hex digits>`, when it is not given. */
  readonly autoname?: true | { readonly maxLength: number };
  /** The output is secret, and so is the input in Check's answer. */
  readonly secret?: boolean;
  /** What a list, set or map holds. Default: strings. */
  readonly of?: Field;
  /** The properties of an object. */
  readonly fields?: Fields;
  /**
   * What the state holds when it was never given. Default: null, and [] for sets and lists of objects in flavour
   * "sdk". Matters inside sets: an element that differs from its input in such values makes the whole set
   * appear in the detailed diff instead of the one element.
   */
  readonly unset?: Value;
  /** The official plugin has it, the stand-in doesn't: what to do instead. Given, it is refused by name. */
  readonly unsupported?: string;
  /** The only values that are allowed, for strings. */
  readonly oneOf?: readonly string[];
  /** Other properties of the same object that must not be given together with this one. */
  readonly conflictsWith?: readonly string[];
}

/** Fields by property name. */
export interface Fields {
  readonly [name: string]: Field;
}

/**
 * The framework that the official plugin was written with; it decides on style.
 * - "sdk": Terraform SDK v2 through the bridge (docker). Defaults in inputs with `__defaults`, detailed diffs.
 * - "framework": Terraform plugin framework through the bridge (random, tls). Plain inputs, top-level diffs.
 * - "native": pulumi-go-provider (command). Diff of inputs, secrets kept, outputs = inputs and more.
 */
export type Flavour = "sdk" | "framework" | "native";

/** What every handler is told. `P` is what the provider's `configure` returned. */
export interface Call<P> {
  readonly provider: P;
  readonly urn: string;
  /** The resource's name in the program. */
  readonly name: string;
  /** Aborted by the engine's Cancel. */
  readonly signal: AbortSignal;
  /** The resource's custom timeout for this step, in seconds; 0: none was given. */
  readonly timeoutSeconds: number;
  /** Says a line to the user through the engine, at the resource. */
  readonly log: (severity: "debug" | "info" | "warning" | "error", line: string) => void;
  /** Shows a passing line at the resource while the step runs. */
  readonly status: (line: string) => void;
}

/** A resource's id and its state. */
export interface Made {
  readonly id: string;
  readonly state: PropertyMap;
}

/** What a Diff answers. `detailed` is left out by providers that have none. */
export interface DiffAnswer {
  readonly changed: boolean;
  readonly replaces: readonly string[];
  readonly diffs: readonly string[];
  readonly stables?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  readonly detailed?: Readonly<Record<string, DiffKind>>;
}

/** The kind of one entry of a detailed diff, as named in the protocol. */
export type DiffKind = "ADD" | "ADD_REPLACE" | "DELETE" | "DELETE_REPLACE" | "UPDATE" | "UPDATE_REPLACE";

/** A fault in the inputs; `property` may be a path, and "" means the whole resource. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** What a Check answers: the inputs to go on with, and the faults. */
export interface Checked {
  readonly inputs: PropertyMap;
  readonly failures: readonly CheckFailure[];
}

/** A resource type: its table and its handlers. */
export interface Resource<P> {
  /** The type token, such as `random:index/randomId:RandomId`. */
  readonly type: string;
  readonly fields: Fields;
  /** The version in `__meta` of the outputs. Default: no `schema_version` there. */
  readonly schemaVersion?: number;
  /** Default timeouts in minutes that `__meta` holds (flavour "sdk"). Default: none. */
  readonly timeouts?: { readonly create?: number; readonly update?: number; readonly delete?: number };
  /** Replacing deletes first, whatever the name. Default: only when the name is the user's own (flavour "sdk"). */
  readonly deleteBeforeReplace?: boolean;
  /** Runs after the shared Check. */
  readonly check?: (
    call: Call<P> & { readonly inputs: PropertyMap; readonly given: PropertyMap; readonly olds: PropertyMap },
  ) => Checked | Promise<Checked>;
  /** Changes the planned state. `state` is empty for a create. */
  readonly plan?: (args: {
    readonly inputs: PropertyMap;
    readonly state: PropertyMap;
    readonly planned: PropertyMap;
  }) => PropertyMap;
  /** Replaces the shared Diff. */
  readonly diff?: (
    call: Call<P> & {
      readonly id: string;
      readonly inputs: PropertyMap;
      readonly state: PropertyMap;
      readonly oldInputs: PropertyMap;
      readonly ignoreChanges: readonly string[];
    },
  ) => DiffAnswer | Promise<DiffAnswer>;
  /** Replaces the shared answer to Create and Update in a preview. */
  readonly previewOf?: (
    call: Call<P> & { readonly inputs: PropertyMap; readonly state: PropertyMap },
  ) => PropertyMap | Promise<PropertyMap>;
  readonly create: (
    call: Call<P> & { readonly inputs: PropertyMap; readonly planned: PropertyMap },
  ) => Promise<Made>;
  /** Undefined: it is gone. Left out: nothing can drift, the state is answered as it came. */
  readonly read?: (
    call: Call<P> & { readonly id: string; readonly state: PropertyMap; readonly inputs: PropertyMap },
  ) => Promise<Made | undefined>;
  /** Left out: every change replaces. */
  readonly update?: (
    call: Call<P> & {
      readonly id: string;
      readonly state: PropertyMap;
      readonly inputs: PropertyMap;
      readonly planned: PropertyMap;
    },
  ) => Promise<PropertyMap>;
  /** Left out: nothing to do. */
  readonly delete?: (
    call: Call<P> & { readonly id: string; readonly state: PropertyMap; readonly inputs: PropertyMap },
  ) => Promise<void>;
  /** The state is exactly what the handlers return, nothing is laid under it (docker.Image). */
  readonly ownState?: true;
  /** Default: the provider's flavour. docker.Image is "native" inside a provider of flavour "sdk". */
  readonly flavour?: Flavour;
}

/** A provider: its resources, its functions, its configuration. */
export interface Provider<P> {
  /** The package, such as "random". */
  readonly name: string;
  /** The version of the official plugin that is stood in for, as its GetPluginInfo says it. */
  readonly version: string;
  readonly flavour: Flavour;
  readonly config?: Fields;
  /** Extra inputs that CheckConfig adds, as the official plugin does. */
  readonly configAdds?: PropertyMap;
  /** Called once before anything else with the checked, plain configuration. */
  readonly configure: (config: PropertyMap) => P | Promise<P>;
  readonly resources: readonly Resource<P>[];
  /** Types that exist officially and are refused by name: token → what to do instead. */
  readonly refused?: Readonly<Record<string, string>>;
  readonly functions?: Readonly<
    Record<
      string,
      (call: Call<P> & { readonly args: PropertyMap; readonly preview: boolean }) => Promise<PropertyMap>
    >
  >;
  /** Configuration keys whose change replaces every resource of the provider. Default: none. */
  readonly configReplaces?: readonly string[];
  /** How the official plugin words an unimplemented Handshake; left out: it answers the handshake. */
  readonly noHandshake?: string;
}
