import * as pulumi from "@pulumi/pulumi";

/**
 * The labels of everything that the garden makes on the host's Docker engine. `botgarden.garden` tells what belongs
 * to it, so that leftovers of killed runs are found; `botgarden.part` says what a thing is.
 */
export function gardenLabels(part: string, bot?: string): { label: string; value: string }[] {
  const labels = [
    { label: "botgarden.garden", value: pulumi.getStack() },
    { label: "botgarden.part", value: part },
  ];
  if (bot !== undefined) labels.push({ label: "botgarden.bot", value: bot });
  return labels;
}
