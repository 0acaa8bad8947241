import * as pulumi from "@pulumi/pulumi";
import { type State, stateOfStack } from "../state.ts";
import { type GardenThing, HostError, type HostFacts, sweepHost } from "./check-host.ts";
import type { Connection } from "./connection.ts";

/**
 * Removes the containers and networks of the garden that the stack's state does not know. A `pulumi up` that is killed
 * between Docker's answer and the writing of the state leaves such things behind, and their names, addresses and ports
 * would make every later `up` fail. A container that serves stays, whatever the state says: of the two
 * that one resource has while a release is under way, the engine tells one.
 *
 * Starts those that were stopped by hand or by a crash of Docker: the state knows nothing of that, so that no `up` would
 * bring them back.
 *
 * @throws HostError if the host holds another stack's garden, or this stack knows nothing of the host yet
 */
export async function removeLeftovers(
  connection: Connection,
  facts: HostFacts,
  log: (line: string) => void,
): Promise<void> {
  const things = [...facts.containers, ...facts.networks];
  if (things.length === 0) return;
  const state = await stateOfStack();
  refuseForeign(things, state, connection.label);
  const unknown = {
    container: missingFrom(state, "docker:index/container:Container", facts.containers).filter(
      (name) => !facts.serving.includes(name),
    ),
    network: missingFrom(state, "docker:index/network:Network", facts.networks),
  };
  await sweep("container", unknown.container);
  await sweep("network", unknown.network);
  await start(facts.stopped.filter((name) => !unknown.container.includes(name)));

  async function sweep(kind: "container" | "network", names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    log(`removing from the host what no run needs any more: ${kind} ${names.join(", ")}`);
    for (const line of await sweepHost(connection, `remove-${kind}`, names)) log(line);
  }

  async function start(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    log(`starting again what does not run on the host: ${names.join(", ")}`);
    await sweepHost(connection, "start-container", names);
  }
}

/** A wrong address, or a lost state, must not cost a running garden. */
function refuseForeign(things: readonly GardenThing[], state: State, label: string): void {
  const others = new Set(things.map(({ stack }) => stack).filter((stack) => stack !== pulumi.getStack()));
  if (others.size > 0) {
    throw new HostError(
      `${label} already holds the garden of the stack ${[...others].join(", ")}, and a host has room for one. ` +
        `Select that stack (pulumi stack select), or set another host`,
    );
  }
  if (Object.keys(state).some((urn) => urn.endsWith("::host-scripts"))) return;
  throw new HostError(
    `${label} already holds a garden (${things.map(({ name }) => name).join(", ")}) of which this stack's state knows nothing. ` +
      `If the host is right and the state is lost, remove them on the host (docker rm -f, docker network rm; the data is in volumes and stays), then run pulumi up again`,
  );
}

/** By type: a volume and a container may well have one name. */
function missingFrom(state: State, type: string, things: readonly GardenThing[]): string[] {
  const known = Object.values(state).filter((resource) => resource.type === type);
  const names = new Set(known.map(({ outputs }) => outputs?.name));
  return things.map(({ name }) => name).filter((name) => !names.has(name));
}
