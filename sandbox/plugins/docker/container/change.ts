/**
 * Updating and removing a container.
 *
 * Source: terraform-provider-docker v4.5.0, resource_docker_container_funcs.go `resourceDockerContainerUpdate` and
 * `resourceDockerContainerDelete`.
 */
import { equal, type PropertyMap } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import { mentions, reasonOf } from "../faults.ts";
import { numberIn, textIn, trueIn } from "./inputs.ts";
import { swapBytes } from "./request.ts";

const MEBIBYTE = 1024 * 1024;

/** A change of any of these is passed on to the engine; other changes that don't replace change nothing. */
const UPDATED = [
  "restart",
  "maxRetryCount",
  "cpuShares",
  "memory",
  "memoryReservation",
  "cpuSet",
  "memorySwap",
];

/** Applies a change that doesn't replace. */
export async function updateContainer(
  client: EngineClient,
  id: string,
  before: PropertyMap,
  after: PropertyMap,
): Promise<void> {
  if (!trueIn(before, "mustRun") && trueIn(after, "mustRun") && trueIn(after, "start")) {
    await client.json("POST", `/containers/${id}/start`).catch((error: Error) => {
      throw new Error(`Unable to start container: ${error.message}`);
    });
  }
  if (UPDATED.every((name) => equal(before[name], after[name]))) return;
  const swap = numberIn(after, "memorySwap");
  const json = {
    CpuShares: numberIn(after, "cpuShares"),
    Memory: numberIn(after, "memory") * MEBIBYTE,
    MemoryReservation: numberIn(after, "memoryReservation") * MEBIBYTE,
    CpusetCpus: textIn(after, "cpuSet"),
    ...(swap === 0 ? {} : { MemorySwap: swapBytes(swap) }),
    RestartPolicy: { Name: textIn(after, "restart"), MaximumRetryCount: numberIn(after, "maxRetryCount") },
  };
  await client.json("POST", `/containers/${id}/update`, { json }).catch((error: Error) => {
    throw new Error(`Unable to update a container: ${error.message}`);
  });
}

/** Stops a container (with its grace, by default none), removes it, and waits until it is gone. */
export async function deleteContainer(client: EngineClient, id: string, state: PropertyMap): Promise<void> {
  if (!trueIn(state, "attach")) {
    // Without a grace of its own it is killed at once.
    const query = { t: String(Math.max(0, numberIn(state, "destroyGraceSeconds"))) };
    await tolerate(
      client.json("POST", `/containers/${id}/stop`, { query }),
      `Error stopping container ${id}`,
      GONE,
    );
  }
  const query = { force: "1", ...(trueIn(state, "removeVolumes") ? { v: "1" } : {}) };
  await tolerate(
    client.json("DELETE", `/containers/${id}`, { query }),
    `Error deleting container ${id}`,
    LEAVING,
  );
  const condition = trueIn(state, "rm") ? "removed" : "not-running";
  const waited = client.json("POST", `/containers/${id}/wait`, { query: { condition } });
  await tolerate(waited, `Error waiting for container removal '${id}'`, LEAVING);
}

const GONE = ["No such container"];
const LEAVING = ["No such container", "is already in progress"];

async function tolerate(step: Promise<unknown>, what: string, harmless: readonly string[]): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (!mentions(error, ...harmless)) throw new Error(`${what}: ${reasonOf(error)}`);
  }
}
