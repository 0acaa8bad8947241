/** docker.Container. */

import { diff } from "../../framework/diff.ts";
import { PartlyDone } from "../../framework/errors.ts";
import { planState } from "../../framework/plan.ts";
import type { CheckFailure, Resource } from "../../framework/resource.ts";
import { mapWithoutSecrets, type PropertyMap } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import { reasonOf, withBridgedErrors } from "../faults.ts";
import type { Host } from "../host.ts";
import { afterCreate, afterUpdate, halfMade, withSetZeros } from "../state.ts";
import { deleteContainer, updateContainer } from "./change.ts";
import { bringUp, createContainer } from "./create.ts";
import { containerFields } from "./fields.ts";
import { inspectContainer } from "./inspect.ts";
import { planContainer, withMountsRule } from "./plan.ts";
import { inputFaults } from "./rules.ts";

const MINUTES = 20;

/** The resource as its table has it. */
const table: Resource<Host> = {
  type: "docker:index/container:Container",
  schemaVersion: 2,
  timeouts: { create: MINUTES, delete: MINUTES, update: MINUTES },
  deleteBeforeReplace: true,
  fields: containerFields,
  check: ({ inputs }): { inputs: PropertyMap; failures: readonly CheckFailure[] } => ({
    inputs,
    failures: inputFaults(mapWithoutSecrets(inputs)),
  }),
  plan: ({ state, planned }) => planContainer(state, planned),
  create: ({ provider, urn, inputs, planned, signal, log }) =>
    withBridgedErrors(async () => {
      const client = await provider.client();
      const id = await createContainer(client, inputs, {
        logins: provider.logins,
        log: (line) => log("debug", line),
      });
      try {
        const printed = await bringUp(client, id, inputs, signal);
        return { id, state: await createdState(client, id, planned, printed) };
      } catch (error) {
        throw new PartlyDone(id, halfMade(containerFields, planned), [reasonOf(error)]);
      }
    }, `creating ${urn}: `),
  read: ({ provider, id, state }) =>
    withBridgedErrors(async () => {
      const seen = await inspectContainer(await provider.client(), id, state);
      return seen === undefined
        ? undefined
        : { id, state: withSetZeros(containerFields, { ...state, ...seen }) };
    }),
  update: ({ provider, urn, id, state, planned }) =>
    withBridgedErrors(async () => {
      const client = await provider.client();
      const after = afterUpdate(containerFields, state, mapWithoutSecrets(planned));
      try {
        await updateContainer(client, id, state, after);
      } catch (error) {
        throw new PartlyDone(id, after, [reasonOf(error)]);
      }
      return after;
    }, `updating ${urn}: `),
  delete: ({ provider, id, state }) =>
    withBridgedErrors(async () => deleteContainer(await provider.client(), id, state)),
};

/** The resource. */
export const container: Resource<Host> = {
  ...table,
  diff: ({ state, oldInputs, inputs, ignoreChanges }) => {
    const answer = diff(table, "sdk", { state, oldInputs, inputs, ignoreChanges });
    return withMountsRule(answer, state.mounts, planState(table, "sdk", state, inputs).mounts);
  },
};

async function createdState(
  client: EngineClient,
  id: string,
  planned: PropertyMap,
  printed: string | undefined,
): Promise<PropertyMap> {
  const seen = await inspectContainer(client, id, planned);
  // Environment and labels are never read back; what nobody gave is none.
  const unread = { envs: [], labels: [] };
  const output = printed === undefined ? {} : { containerLogs: printed };
  const given = Object.fromEntries(Object.entries(unread).filter(([name]) => !Array.isArray(planned[name])));
  return afterCreate(containerFields, planned, { ...seen, ...given, ...output });
}
