/**
 * docker.Network: every change replaces it.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/resource_docker_network*.go.
 */
import type { Fields, Resource } from "../../framework/resource.ts";
import { isMap, isNothing, type PropertyMap, type Value } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import { member, memberList, memberText, memberTextMap, memberTrue } from "../engine/json-lines.ts";
import { mentions } from "../faults.ts";
import type { Host } from "../host.ts";
import { keptByEngine } from "./kept-by-engine.ts";
import { labelsField, labelsFromMap, labelsToMap } from "./labels.ts";

const fields: Fields = {
  name: { kind: "string", replace: true, autoname: true },
  labels: labelsField,
  driver: { kind: "string", replace: true, computed: true },
  options: { kind: "map", replace: true, computed: true },
  internal: { kind: "bool", replace: true, computed: true },
  attachable: { kind: "bool", replace: true },
  ingress: { kind: "bool", replace: true },
  ipv6: { kind: "bool", replace: true },
  ipamDriver: { kind: "string", replace: true, default: "default" },
  ipamOptions: { kind: "map", replace: true },
  ipamConfigs: {
    kind: "set",
    replace: true,
    computed: true,
    unset: [],
    of: {
      kind: "object",
      fields: {
        subnet: { kind: "string", replace: true, unset: "" },
        ipRange: { kind: "string", replace: true, unset: "" },
        gateway: { kind: "string", replace: true, unset: "" },
        auxAddress: { kind: "map", replace: true },
      },
    },
  },
  scope: { kind: "string", output: true },
};

/** The resource. */
export const network: Resource<Host> = {
  type: "docker:index/network:Network",
  schemaVersion: 1,
  ...keptByEngine({ fields, created, inspected, removed, used: "pending" }),
};

async function created(client: EngineClient, inputs: PropertyMap): Promise<string> {
  const configs = Array.isArray(inputs.ipamConfigs) ? inputs.ipamConfigs.filter(isMap) : [];
  const json = {
    Name: inputs.name,
    Driver: inputs.driver,
    Options: inputs.options,
    Labels: labelsToMap(inputs.labels),
    Internal: inputs.internal === true,
    Attachable: inputs.attachable === true,
    Ingress: inputs.ingress === true,
    EnableIPv6: inputs.ipv6 === true,
    // An empty list would take away the engine's own choice of a subnet.
    IPAM: {
      Driver: inputs.ipamDriver,
      ...(configs.length === 0 ? {} : { Config: configs.map(ipamConfig) }),
      ...(isNothing(inputs.ipamOptions) ? {} : { Options: inputs.ipamOptions }),
    },
  };
  const answer = await client.json("POST", "/networks/create", { json }).catch((error: Error) => {
    throw new Error(`Unable to create network: ${error.message}`);
  });
  return memberText(answer, "Id") ?? "";
}

function ipamConfig(config: PropertyMap): Record<string, Value> {
  const parts = {
    Subnet: config.subnet,
    IPRange: config.ipRange,
    Gateway: config.gateway,
    AuxiliaryAddresses: config.auxAddress,
  };
  return Object.fromEntries(
    Object.entries(parts).filter((part): part is [string, Value] => part[1] !== "" && !isNothing(part[1])),
  );
}

/** Any failure to inspect counts as "gone", as in the official plugin. */
async function inspected(client: EngineClient, id: string): Promise<PropertyMap | undefined> {
  const found = await client.json("GET", `/networks/${encodeURIComponent(id)}`).catch(() => undefined);
  if (found === undefined) return undefined;
  const ipam = member(found, "IPAM");
  return {
    name: memberText(found, "Name") ?? "",
    labels: labelsFromMap(memberTextMap(found, "Labels")),
    driver: memberText(found, "Driver") ?? "",
    internal: memberTrue(found, "Internal"),
    attachable: memberTrue(found, "Attachable"),
    ingress: memberTrue(found, "Ingress"),
    ipv6: memberTrue(found, "EnableIPv6"),
    ipamDriver: memberText(ipam, "Driver") ?? "",
    ipamOptions: memberTextMap(ipam, "Options"),
    ipamConfigs: memberList(ipam, "Config").map((config) => ({
      subnet: memberText(config, "Subnet") ?? "",
      ipRange: memberText(config, "IPRange") ?? "",
      gateway: memberText(config, "Gateway") ?? "",
      auxAddress: memberTextMap(config, "AuxiliaryAddresses"),
    })),
    scope: memberText(found, "Scope") ?? "",
    options: memberTextMap(found, "Options"),
  };
}

async function removed(client: EngineClient, id: string): Promise<boolean> {
  const path = `/networks/${encodeURIComponent(id)}`;
  try {
    await client.json("GET", path);
  } catch {
    return true;
  }
  try {
    await client.json("DELETE", path);
    return true;
  } catch (error) {
    if (mentions(error, "has active endpoints")) return false;
    throw error;
  }
}
