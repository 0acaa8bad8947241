/** What every resource goes through that the engine keeps as a whole, as nothing of it can be changed. */
import type { Fields, Resource } from "../../framework/resource.ts";
import type { PropertyMap } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import { withBridgedErrors } from "../faults.ts";
import type { Host } from "../host.ts";
import { afterCreate } from "../state.ts";
import { until } from "../waiting.ts";

/** How long a resource may still be used by a container while it is removed, in seconds. */
const REMOVE_SECONDS = 30;

/** What differs from one kind to another. */
export interface Kind {
  readonly fields: Fields;
  /** Makes it and gives its id. */
  created(client: EngineClient, inputs: PropertyMap): Promise<string>;
  /** What the engine says of it; undefined if it is gone. */
  inspected(client: EngineClient, id: string): Promise<PropertyMap | undefined>;
  /** Tries to remove it; false if it is still used. */
  removed(client: EngineClient, id: string): Promise<boolean>;
  /** Terraform's word for one that is still used. */
  readonly used: string;
}

/** The handlers of such a resource. */
export function keptByEngine(kind: Kind): Pick<Resource<Host>, "fields" | "create" | "read" | "delete"> {
  const { fields } = kind;
  return {
    fields,
    create: ({ provider, inputs, planned }) =>
      withBridgedErrors(async () => {
        const client = await provider.client();
        const id = await kind.created(client, inputs);
        const seen = await kind.inspected(client, id);
        return { id, state: afterCreate(fields, planned, seen ?? {}) };
      }),
    read: ({ provider, id }) =>
      withBridgedErrors(async () => {
        const seen = await kind.inspected(await provider.client(), id);
        return seen === undefined ? undefined : { id, state: seen };
      }),
    delete: ({ provider, id, signal }) =>
      withBridgedErrors(async () => {
        const client = await provider.client();
        const gone = () => kind.removed(client, id);
        await until(gone, { state: "removed", last: kind.used, seconds: REMOVE_SECONDS, signal });
      }),
  };
}
