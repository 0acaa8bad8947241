/** Published ports: as inputs, as the engine takes them, as it lists them, and which changes are none. */
import { isMap, type PropertyMap, type Value } from "../../framework/values.ts";
import { memberEntries, memberText } from "../engine/json-lines.ts";
import { numberIn, textIn } from "./inputs.ts";

interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** Ports as `POST /containers/create` takes them. External port 0 lets the engine choose. */
export function portsToRequest(ports: readonly PropertyMap[]) {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, PortBinding[]> = {};
  for (const port of ports) {
    const key = `${numberIn(port, "internal")}/${textIn(port, "protocol")}`;
    exposed[key] = {};
    bindings[key] ??= [];
    bindings[key].push({ HostIp: textIn(port, "ip"), HostPort: String(numberIn(port, "external")) });
  }
  return { exposed, bindings };
}

/** Ports as the state holds them, from the engine's network settings, in order of the inner port. */
export function portsFromEngine(settings: unknown): PropertyMap[] {
  const entries = memberEntries(settings, "Ports").map(([key, bound]) => {
    const [port = "", protocol = ""] = key.split("/");
    return { internal: Number(port), protocol, bound: Array.isArray(bound) ? bound : [] };
  });
  entries.sort((a, b) => a.internal - b.internal);
  return entries.flatMap(({ internal, protocol, bound }) =>
    bound.map((one: unknown) => ({
      internal,
      external: Number(memberText(one, "HostPort") ?? 0),
      ip: memberText(one, "HostIp") ?? "",
      protocol,
    })),
  );
}

/**
 * Whether the ports are the same but for their order (the official plugin's suppression of differences,
 * `suppressIfPortsDidNotChangeForMigrationV0ToV1`).
 */
export function samePorts(before: Value | undefined, after: Value | undefined): boolean {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return false;
  const now = after.filter(isMap);
  return before.filter(isMap).every((old) => {
    const same = now.find((port) => port.internal === old.internal);
    if (same === undefined) return false;
    if (same.protocol !== old.protocol) {
      return now.some((port) => port.internal === old.internal && port.protocol === old.protocol);
    }
    return same.external === old.external && same.ip === old.ip;
  });
}
