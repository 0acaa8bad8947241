/**
 * The `build` of a RemoteImage, the way that `useLegacyBuilder` chooses: on the provider's host, by BuildKit, with
 * secrets from the operator's machine.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/resource_docker_image_funcs.go
 * (`legacyBuildDockerImage`) and resource_docker_image.go (`buildSchema`).
 */
import { readFile, stat } from "node:fs/promises";
import type { Field, Fields } from "../../framework/resource.ts";
import { isMap, type PropertyMap, type Value } from "../../framework/values.ts";
import { packContext } from "../context/pack.ts";
import { buildImage } from "../engine/build.ts";
import type { BuildSecrets } from "../engine/build-session.ts";
import type { EngineClient } from "../engine/client.ts";
import { reasonOf } from "../faults.ts";

const MOST_BYTES = 500 * 1024;

const text: Field = { kind: "string", replace: true, unset: "" };
const map: Field = { kind: "map", replace: true };

/** Fields of one kind that the official plugin has and nobody here needs. */
function refused(names: readonly string[], field: Field): Fields {
  const unsupported = "not used by the product";
  return Object.fromEntries(names.map((name) => [name, { ...field, replace: true, unsupported }]));
}

/** The properties of `build`. */
export const buildFields: Fields = {
  context: { ...text, required: true },
  dockerfile: { ...text, default: "Dockerfile" },
  platform: text,
  target: text,
  buildArgs: map,
  builder: text,
  remove: { kind: "bool", default: true },
  useLegacyBuilder: { kind: "bool", replace: true },
  secrets: {
    kind: "list",
    unset: [],
    of: { kind: "object", fields: { id: { ...text, required: true }, src: text, env: text } },
  },
  ...refused(
    [
      ...["buildId", "buildLogFile", "cgroupParent", "cpuSetCpus", "cpuSetMems", "isolation", "networkMode"],
      ...["provenance", "remoteContext", "sbom", "sessionId", "version"],
    ],
    { kind: "string", unset: "" },
  ),
  ...refused(
    [
      ...["additionalContexts", "authConfigs", "cacheFroms", "cacheTos", "extraHosts", "securityOpts"],
      ...["tags", "ulimits"],
    ],
    { kind: "list", unset: [] },
  ),
  ...refused(["cpuPeriod", "cpuQuota", "cpuShares", "memory", "memorySwap", "shmSize"], { kind: "number" }),
  ...refused(["forceRemove", "noCache", "pullParent", "squash", "suppressOutput"], { kind: "bool" }),
  ...refused(["labels"], { kind: "map" }),
  label: { kind: "map", unsupported: "not used by the product" },
};

/**
 * Builds an image under a name.
 *
 * @param build checked inputs, with their defaults
 * @throws Error in the official wording
 */
export async function buildRemoteImage(
  client: EngineClient,
  build: PropertyMap,
  options: { readonly name: string; readonly signal: AbortSignal; readonly log: (line: string) => void },
): Promise<void> {
  try {
    const secrets = await secretsIn(build.secrets);
    const context = await packContext(textOf(build.context), textOf(build.dockerfile), "remoteImage");
    await buildImage(client, context.tar, {
      builder: "2",
      tag: options.name,
      dockerfile: context.dockerfileInTar,
      args: textsIn(build.buildArgs),
      target: textOf(build.target),
      platform: textOf(build.platform),
      remove: build.remove === true,
      secrets,
      signal: options.signal,
      log: options.log,
    });
  } catch (error) {
    const reason = reasonOf(error).replace(/^error (?:reading build output|building image): /, "");
    throw new Error(`Error running legacy build: ${reason}\n\n`);
  }
}

/** The secrets by id. A variable that isn't set is an empty secret (moby/buildkit, secretsprovider/store.go). */
async function secretsIn(list: Value | undefined): Promise<BuildSecrets> {
  const sources = new Map<string, PropertyMap>();
  for (const secret of Array.isArray(list) ? list.filter(isMap) : []) {
    sources.set(textOf(secret.id), secret);
    const path = textOf(secret.src);
    if (path === "") continue;
    const found = await stat(path).catch(() => undefined);
    if (found === undefined)
      throw new Error(`failed to stat ${path}: stat ${path}: no such file or directory`);
    if (found.size > MOST_BYTES) throw new Error(`secret ${textOf(secret.id)} too big. max size 512kB`);
  }
  return async (id) => {
    const secret = sources.get(id);
    if (secret === undefined) return undefined;
    const variable = textOf(secret.env);
    return variable === "" ? readFile(textOf(secret.src)) : Buffer.from(process.env[variable] ?? "");
  };
}

function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function textsIn(map: Value | undefined): Record<string, string> {
  if (!isMap(map)) return {};
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, textOf(value)]));
}
