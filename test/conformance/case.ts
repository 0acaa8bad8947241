/**
 * Cases of conformance: what the official plugins answer for one resource type, as the project's own small
 * examples. `play` runs them against the stand-in, or against an official plugin when the environment variable
 * CONFORMANCE_PLUGINS names a folder with official ones (`resource-<name>-v<version>/pulumi-resource-<name>`, as
 * under a PULUMI_HOME): that is how a case is proven to be true.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  hasUnknown,
  mapWithoutSecrets,
  type PropertyMap,
  Secret,
  Unknown,
  type Value,
} from "../../sandbox/plugins/framework/values.ts";
import { type Plugin, type PluginCommand, type Subject, startPlugin } from "./harness.ts";

/** The official versions that the cases speak of. */
const VERSIONS: Readonly<Record<string, string>> = {
  docker: "5.2.0",
  random: "4.21.2",
  tls: "5.6.1",
  command: "1.2.1",
};

/** What an output must be. Anything that vitest's toEqual takes may stand for a value. */
export type Shape = Readonly<Record<string, unknown>>;

/** A Diff that finds something. Lists sorted; `detailed` only where the plugin gives details. */
export interface Verdict {
  readonly replaces?: readonly string[];
  readonly diffs: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  readonly detailed?: Readonly<Record<string, string>>;
}

/** A change of inputs and what Diff says to it. */
export interface Change {
  readonly title: string;
  /** Laid over `inputs` for the deployment before; null takes a property away. */
  readonly before?: PropertyMap;
  /** Laid over the inputs before; null takes a property away. */
  readonly after: PropertyMap;
  readonly verdict: "none" | Verdict;
  /** The state after a real Update. */
  readonly updated?: Shape;
  /** The state that a preview of the Update answers. */
  readonly previewed?: Shape;
}

/** Inputs that Check refuses. */
export interface Refusal {
  readonly title: string;
  /** Laid over `inputs`. */
  readonly inputs: PropertyMap;
  readonly says: RegExp;
  /** Only the stand-in refuses this; the official plugin takes or ignores it. */
  readonly standInOnly?: true;
}

/** Inputs with which Create fails. */
export interface Failure {
  readonly title: string;
  readonly inputs: PropertyMap;
  readonly says: RegExp | string;
}

/** A further set of inputs and what Create makes of it. */
export interface Creation {
  readonly title: string;
  /** Laid over `inputs`. */
  readonly inputs: PropertyMap;
  readonly created: Shape;
}

/** Everything about one resource type. */
export interface Cases {
  readonly type: string;
  /** The resource's name in the program. Default: "it". */
  readonly name?: string;
  /** What most cases start from. A function where it has to be made first. */
  readonly inputs: PropertyMap | (() => PropertyMap | Promise<PropertyMap>);
  /** Check's answer to `inputs`. Default: the inputs themselves. */
  readonly checked?: Shape;
  /** The answer to a preview of the Create. */
  readonly previewed?: Shape;
  /** The state after Create. */
  readonly created: Shape;
  readonly id?: RegExp;
  readonly creations?: readonly Creation[];
  readonly changes: readonly Change[];
  readonly refusals?: readonly Refusal[];
  readonly failures?: readonly Failure[];
  /** The state after Read. Default: what Create left. */
  readonly read?: Shape;
  /** The provider's configuration besides its version; values that aren't texts as JSON. */
  readonly config?: PropertyMap;
}

/** The plugin's process: the stand-in, or an official one. */
export function pluginFor(name: string): PluginCommand {
  const official = process.env.CONFORMANCE_PLUGINS;
  if (official !== undefined && official !== "") {
    return { command: [`${official}/resource-${name}-v${VERSIONS[name] ?? ""}/pulumi-resource-${name}`] };
  }
  const main = fileURLToPath(new URL(`../../sandbox/plugins/${name}/main.ts`, import.meta.url));
  return { command: [process.execPath, main] };
}

/** Whether the cases run against official plugins. */
export function againstOfficial(): boolean {
  return (process.env.CONFORMANCE_PLUGINS ?? "") !== "";
}

/** Registers the tests of one resource type with vitest. */
export function play(cases: Cases): void {
  const subject: Subject = { type: cases.type, name: cases.name ?? "it" };
  const plugin = packageOf(subject);
  describe(cases.type, () => {
    let running: Plugin;
    let base: PropertyMap;
    beforeAll(async () => {
      running = await startPlugin(pluginFor(plugin));
      await running.configure({ version: VERSIONS[plugin] ?? "", ...cases.config });
      base = await (typeof cases.inputs === "function" ? cases.inputs() : cases.inputs);
    });
    const { deploy, removeAll } = deployer(() => running, subject);
    afterAll(async () => {
      await removeAll();
      await running.stop();
    });

    test("Check", async () => {
      const { inputs, failures } = await running.check(subject, {}, base);
      expect(failures).toEqual([]);
      expect(plain(inputs)).toEqual(cases.checked ?? base);
    });
    test("preview of Create", async () => {
      const { inputs } = await running.check(subject, {}, base);
      const { state } = await running.create(subject, opened(inputs, plugin), true);
      if (cases.previewed !== undefined) expect(plain(state)).toEqual(cases.previewed);
    });
    test("Create, Read and Delete", async () => {
      const { id, state, inputs } = await deploy(base, true);
      expect(plain(state)).toEqual(cases.created);
      if (cases.id !== undefined) expect(id).toMatch(cases.id);
      const found = await running.read(subject, id, opened(state, plugin), inputs);
      expect(found.id).toBe(id);
      expect(plain(found.state)).toEqual(cases.read ?? cases.created);
      expect(plain(mapWithoutSecrets(found.inputs))).toEqual(plain(inputs));
      await running.delete(subject, id, opened(state, plugin), inputs);
    });
    playChanges(cases, subject, deploy, () => ({ running, base }));
    playRefusals(cases, subject, () => ({ running, base }));
  });
}

/** The plugin and the inputs to start from, once they are there. */
type Stage = () => { readonly running: Plugin; readonly base: PropertyMap };

function playChanges(cases: Cases, subject: Subject, deploy: Deploy, stage: Stage): void {
  for (const creation of cases.creations ?? []) {
    test(`Create: ${creation.title}`, async () => {
      const { running, base } = stage();
      const { id, state, inputs } = await deploy(merged(base, creation.inputs), true);
      expect(plain(state)).toEqual(creation.created);
      await running.delete(subject, id, opened(state, packageOf(subject)), inputs);
    });
  }
  for (const change of cases.changes) {
    test(`Diff: ${change.title}`, () => {
      const { running, base } = stage();
      return playChange(running, subject, deploy, base, change);
    });
  }
}

function playRefusals(cases: Cases, subject: Subject, stage: Stage): void {
  for (const refusal of cases.refusals ?? []) {
    if (refusal.standInOnly === true && againstOfficial()) continue;
    test(`refused: ${refusal.title}`, async () => {
      const { running, base } = stage();
      await expect(faultsOf(running, subject, merged(base, refusal.inputs))).resolves.toMatch(refusal.says);
    });
  }
  for (const failure of cases.failures ?? []) {
    test(`Create fails: ${failure.title}`, async () => {
      const { running, base } = stage();
      const details = typeof failure.says === "string" ? failure.says : expect.stringMatching(failure.says);
      const create = running.create(subject, merged(base, failure.inputs));
      await expect(create).rejects.toHaveProperty("details", details);
    });
  }
}

function packageOf({ type }: Subject): string {
  return type.slice(0, type.indexOf(":"));
}

/** A resource as a deployment left it, as the engine would send it back. */
interface Deployed {
  readonly id: string;
  readonly state: PropertyMap;
  readonly inputs: PropertyMap;
}

type Deploy = (inputs: PropertyMap, anew?: boolean) => Promise<Deployed>;

/** Checks and creates; the same inputs only once, so that many Diffs share a deployment. */
function deployer(
  running: () => Plugin,
  subject: Subject,
): { deploy: Deploy; removeAll: () => Promise<void> } {
  const made = new Map<string, Promise<Deployed>>();
  const create = async (given: PropertyMap): Promise<Deployed> => {
    const { inputs, failures } = await running().check(subject, {}, given);
    expect(failures).toEqual([]);
    const package_ = packageOf(subject);
    const sent = opened(inputs, package_);
    return { ...(await running().create(subject, sent)), inputs: sent };
  };
  const deploy: Deploy = (given, anew = false) => {
    if (anew) return create(given);
    const key = JSON.stringify(given);
    const found = made.get(key) ?? create(given);
    made.set(key, found);
    return found;
  };
  const removeAll = async (): Promise<void> => {
    const package_ = packageOf(subject);
    for (const one of await Promise.allSettled(made.values())) {
      if (one.status === "rejected") continue;
      const { id, state, inputs } = one.value;
      await running().delete(subject, id, opened(state, package_), inputs);
    }
  };
  return { deploy, removeAll };
}

async function playChange(
  running: Plugin,
  subject: Subject,
  deploy: Deploy,
  base: PropertyMap,
  change: Change,
): Promise<void> {
  const before = merged(base, change.before ?? {});
  const package_ = packageOf(subject);
  const old = await deploy(before);
  const checked = await running.check(subject, old.inputs, merged(before, change.after));
  expect(checked.failures).toEqual([]);
  const inputs = opened(checked.inputs, package_);
  const question = { id: old.id, state: opened(old.state, package_), oldInputs: old.inputs, inputs };
  const verdict = await running.diff(subject, question);
  expect(verdict).toEqual(expectedVerdict(change.verdict, verdict.detailed !== undefined));
  if (change.previewed !== undefined) {
    expect(plain(await running.update(subject, question, true))).toEqual(change.previewed);
  }
  if (change.updated !== undefined && !hasUnknown(inputs)) {
    expect(plain(await running.update(subject, question))).toEqual(change.updated);
  }
}

function expectedVerdict(verdict: "none" | Verdict, hasDetails: boolean): unknown {
  const none = {
    changes: "none",
    replaces: [],
    diffs: [],
    deleteBeforeReplace: false,
    ...(hasDetails ? { detailed: {} } : {}),
  };
  if (verdict === "none") return none;
  return { ...none, changes: "some", ...verdict };
}

async function faultsOf(running: Plugin, subject: Subject, inputs: PropertyMap): Promise<string> {
  try {
    const { failures } = await running.check(subject, {}, inputs);
    return failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n");
  } catch (error) {
    // The official plugins refuse some inputs by failing instead.
    return error instanceof Error && "details" in error ? String(error.details) : String(error);
  }
}

/** `base` with `changes` laid over it; null takes a property away. */
export function merged(base: PropertyMap, changes: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries({ ...base, ...changes }).filter(([, value]) => value !== null));
}

/** What the engine would send: only the command plugin gets secrets as such. */
function opened(map: PropertyMap, plugin: string): PropertyMap {
  return plugin === "command" ? map : mapWithoutSecrets(map);
}

/** Without what stands only for the bridge's own bookkeeping, and with secrets and unknowns easy to write down. */
function plain(map: PropertyMap): Record<string, unknown> {
  const entries = Object.entries(map).filter(([name]) => name !== "__pulumi_raw_state_delta");
  return Object.fromEntries(entries.map(([name, value]) => [name, written(value)]));
}

function written(value: Value): unknown {
  if (value instanceof Unknown) return UNKNOWN;
  if (value instanceof Secret) return secret(written(value.value));
  if (Array.isArray(value)) return value.map(written);
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return plain(value as PropertyMap);
  }
  return value;
}

/** Stands for an unknown value in a shape. */
export const UNKNOWN = "(unknown)";

/** Stands for a secret value in a shape. */
export function secret(value: unknown): { secret: unknown } {
  return { secret: value };
}

/** Any text, or one that matches. */
export function text(pattern = /(?:)/): unknown {
  return expect.stringMatching(pattern);
}
