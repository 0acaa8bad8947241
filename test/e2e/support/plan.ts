import type { Garden } from "./garden.ts";

export interface Change {
  readonly op: string;
  readonly urn: string;
}

/** What `pulumi preview` would change. */
export async function changesOf(garden: Garden): Promise<Change[]> {
  const { code, output } = await garden.pulumi("preview", "--json");
  if (code !== 0) throw new Error(`pulumi preview failed:\n${output}`);
  const plan: { steps: Change[] } = JSON.parse(output.slice(output.indexOf("{")));
  // The stack itself changes its outputs.
  return plan.steps.filter(({ op, urn }) => op !== "same" && !urn.includes("pulumi:pulumi:Stack::"));
}
