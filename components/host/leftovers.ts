import * as pulumi from "@pulumi/pulumi";
import { type HostFacts, sweepHost } from "./check-host.ts";
import type { Connection } from "./connection.ts";

/**
 * Removes the containers and networks of the garden that the stack's state does not know. A `pulumi up` that is killed
 * between Docker's answer and the writing of the state leaves such things behind, and their names, addresses and ports
 * would make every later `up` fail. A container that the edge sends updates to stays, whatever the state says.
 */
export async function removeLeftovers(
  connection: Connection,
  facts: HostFacts,
  log: (line: string) => void,
): Promise<void> {
  if (facts.containers.length + facts.networks.length === 0) return;
  const known = await knownNames();
  const containers = facts.containers.filter((name) => !known.has(name) && !facts.serving.includes(name));
  const networks = facts.networks.filter((name) => !known.has(name));
  for (const [kind, names] of [
    ["container", containers],
    ["network", networks],
  ] as const) {
    if (names.length === 0) continue;
    log(`removing what an interrupted run left on the host: ${kind} ${names.join(", ")}`);
    await sweepHost(connection, kind, names);
  }
}

/** Names of the Docker things in this stack's state, asked from the engine that runs the program. */
async function knownNames(): Promise<ReadonlySet<string>> {
  const token = "pulumi:pulumi:readStackResourceOutputs";
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const answer: unknown = await pulumi.runtime.invoke(token, { stackName });
  const outputs = (answer as { outputs?: Record<string, { type?: string; outputs?: { name?: unknown } }> }).outputs;
  const names = Object.values(outputs ?? {})
    .filter(({ type }) => type?.startsWith("docker:"))
    .map(({ outputs: resource }) => resource?.name);
  return new Set(names.filter((name): name is string => typeof name === "string"));
}
