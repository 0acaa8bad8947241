/**
 * docker.Volume: every change replaces it. The engine's create finds a volume of the same name again.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/resource_docker_volume.go.
 */
import type { Fields, Resource } from "../../framework/resource.ts";
import type { PropertyMap } from "../../framework/values.ts";
import { type EngineClient, isNotFound } from "../engine/client.ts";
import { memberText, memberTextMap } from "../engine/json-lines.ts";
import { mentions, reasonOf } from "../faults.ts";
import type { Host } from "../host.ts";
import { keptByEngine } from "./kept-by-engine.ts";
import { labelsField, labelsFromMap, labelsToMap } from "./labels.ts";

const fields: Fields = {
  name: { kind: "string", replace: true, computed: true, autoname: true },
  labels: labelsField,
  driver: { kind: "string", replace: true, computed: true },
  driverOpts: { kind: "map", replace: true },
  cluster: { kind: "object", fields: {}, unsupported: "swarm is not part of the stand-in" },
  mountpoint: { kind: "string", output: true },
};

/** The resource. */
export const volume: Resource<Host> = {
  type: "docker:index/volume:Volume",
  schemaVersion: 1,
  ...keptByEngine({ fields, created, inspected, removed, used: "in_use" }),
};

async function created(client: EngineClient, inputs: PropertyMap): Promise<string> {
  const json = {
    Name: inputs.name,
    Labels: labelsToMap(inputs.labels),
    Driver: inputs.driver,
    DriverOpts: inputs.driverOpts,
  };
  const answer = await client.json("POST", "/volumes/create", { json }).catch((error: Error) => {
    throw new Error(`Unable to create volume: ${error.message}`);
  });
  return memberText(answer, "Name") ?? "";
}

async function inspected(client: EngineClient, id: string): Promise<PropertyMap | undefined> {
  const found = await client.json("GET", `/volumes/${encodeURIComponent(id)}`).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw new Error(`Unable to inspect volume: ${reasonOf(error)}`);
  });
  if (found === undefined) return undefined;
  return {
    name: memberText(found, "Name") ?? "",
    labels: labelsFromMap(memberTextMap(found, "Labels")),
    driver: memberText(found, "Driver") ?? "",
    driverOpts: memberTextMap(found, "Options"),
    mountpoint: memberText(found, "Mountpoint") ?? "",
  };
}

async function removed(client: EngineClient, id: string): Promise<boolean> {
  try {
    await client.json("DELETE", `/volumes/${encodeURIComponent(id)}`, { query: { force: "1" } });
    return true;
  } catch (error) {
    if (mentions(error, "volume is in use")) return false;
    throw error;
  }
}
