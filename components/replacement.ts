import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { stateOfStack } from "./state.ts";

/** What decides whether a container of the core is made anew, as far as settings reach it; all of it plain. */
export interface CoreContainer {
  readonly image: string;
  readonly command?: readonly string[];
  readonly envs: readonly string[];
  readonly ports?: readonly Required<Pick<docker.types.input.ContainerPort, "internal" | "external">>[];
}

type Part = keyof CoreContainer;

/**
 * Says in a preview what the replacement of a container of the core interrupts. Pulumi's own plan shows that it will be
 * replaced, and not what that means for the bots.
 *
 * @param name the container's resource
 * @param wanted what the settings make of it now
 * @param meaning what stops for how long
 */
export async function tellReplacement(name: string, wanted: CoreContainer, meaning: string): Promise<void> {
  if (!pulumi.runtime.isDryRun()) return;
  const state = await stateOfStack();
  const end = `docker:index/container:Container::${name}`;
  const outputs = Object.entries(state).find(([urn]) => urn.endsWith(end))?.[1].outputs;
  if (outputs === undefined) return;
  const changes = (["image", "command", "envs", "ports"] as const)
    // What is not said is the image's own, which the plugin fills in.
    .filter((part) => wanted[part] !== undefined)
    .filter((part) => comparable(part, outputs[part]) !== comparable(part, wanted[part]))
    .map((part) => (part === "image" ? `${String(outputs.image)} → ${wanted.image}` : part));
  if (changes.length > 0)
    void pulumi.log.warn(`${name} will be replaced (${changes.join(", ")}): ${meaning}`);
}

/** As a text, without what the plugin fills in and without an order where the engine has none. */
function comparable(part: Part, value: unknown): string {
  if (part === "image" || part === "command") return JSON.stringify(value ?? null);
  const list = Array.isArray(value) ? value : [];
  const items = part === "envs" ? list : list.map(({ internal, external }) => `${internal}:${external}`);
  return JSON.stringify([...items].sort());
}
