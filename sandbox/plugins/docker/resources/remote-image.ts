/**
 * docker.RemoteImage: an image that is pulled when the host doesn't have it yet, or built.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/resource_docker_image*.go.
 */
import type { Call, Fields, Made, Resource } from "../../framework/resource.ts";
import { equal, isMap, type PropertyMap } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import { findImage, pullImage, removeImage, type StoredImage } from "../engine/images.ts";
import { reasonOf, withBridgedErrors } from "../faults.ts";
import type { Host } from "../host.ts";
import { type Logins, pullAuth } from "../registry/logins.ts";
import { afterUpdate, zeroed } from "../state.ts";
import { buildFields, buildRemoteImage } from "./remote-image-build.ts";

const fields: Fields = {
  name: { kind: "string", required: true, replace: true },
  imageId: { kind: "string", output: true },
  repoDigest: { kind: "string", output: true },
  keepLocally: { kind: "bool" },
  forceRemove: { kind: "bool" },
  pullTriggers: { kind: "set", replace: true },
  triggers: { kind: "map", replace: true },
  platform: { kind: "string", replace: true },
  build: { kind: "object", fields: buildFields, conflictsWith: ["pullTriggers"] },
};

/** The resource. */
export const remoteImage: Resource<Host> = {
  type: "docker:index/remoteImage:RemoteImage",
  timeouts: { create: 20, delete: 20, update: 20 },
  fields,
  check: ({ inputs }) => {
    const elsewhere = isMap(inputs.build) && inputs.build.useLegacyBuilder !== true;
    const reason =
      "\"build.useLegacyBuilder\" must be true: without it the image is built by the operator's own Docker, which the sandbox's stand-in plugin doesn't do";
    return { inputs, failures: elsewhere ? [{ property: "build.useLegacyBuilder", reason }] : [] };
  },
  // A build is a set for Terraform: with another change, one that stays is written anew.
  plan: ({ state, planned }) => {
    if (!isMap(state.build) || !isMap(planned.build) || equal({ ...state, ...planned }, state))
      return planned;
    const build = zeroed(buildFields, planned.build);
    return equal(build, zeroed(buildFields, state.build)) ? { ...planned, build } : planned;
  },
  create: (call) =>
    withBridgedErrors(async () => {
      const { build } = call.inputs;
      if (isMap(build)) {
        await buildRemoteImage(await call.provider.client(), build, {
          name: nameIn(call.inputs),
          signal: call.signal,
          log: (line) => call.log("debug", line),
        });
      }
      await present(call);
      const made = await inspected(await call.provider.client(), call.inputs);
      if (made === undefined)
        throw new Error(`Unable to read Docker image into resource: ${nameIn(call.inputs)} is gone`);
      return made;
    }),
  read: ({ provider, state }) =>
    withBridgedErrors(async () => {
      const found = await inspected(await provider.client(), state);
      if (found === undefined || !isMap(state.build)) return found;
      return { ...found, state: { ...found.state, build: zeroed(buildFields, state.build) } };
    }),
  update: (call) =>
    withBridgedErrors(async () => {
      await present(call);
      const made = await inspected(await call.provider.client(), call.inputs);
      return { ...afterUpdate(fields, call.state, call.planned), ...made?.state };
    }),
  delete: ({ provider, state }) =>
    withBridgedErrors(async () => {
      const client = await provider.client();
      if (state.keepLocally === true) return;
      const name = nameIn(state);
      if ((await findImage(client, name)) === undefined) return;
      await removeImage(client, name, state.forceRemove === true).catch((error: Error) => {
        throw new Error(`Unable to remove Docker image: ${error.message}`);
      });
    }),
};

async function present(call: Call<Host> & { readonly inputs: PropertyMap }): Promise<void> {
  const name = nameIn(call.inputs);
  const platform = call.inputs.platform;
  try {
    const log = (line: string) => call.log("debug", line);
    const options = {
      platform: typeof platform === "string" ? platform : "",
      logins: call.provider.logins,
      log,
    };
    await findOrPull(await call.provider.client(), name, options);
  } catch (error) {
    if (reasonOf(error).startsWith("failed to create Docker client")) throw error;
    throw new Error(`Unable to read Docker image into resource: ${reasonOf(error)}`);
  }
}

interface PullOptions {
  readonly platform?: string;
  readonly logins: Logins;
  readonly log: (line: string) => void;
}

/**
 * Makes sure that the host has an image: it is pulled only when it is missing.
 *
 * @throws Error in the official wording when it can be neither found nor pulled
 */
export async function findOrPull(
  client: EngineClient,
  name: string,
  { platform = "", logins, log }: PullOptions,
): Promise<StoredImage> {
  if (name === "") throw new Error("empty image name is not allowed");
  const here = await findImage(client, name);
  if (here !== undefined) return here;
  const auth = pullAuth(logins, name);
  const fault = await pullImage(client, name, { platform, auth, log }).catch((error: unknown) => {
    throw new Error(`unable to pull image ${name}: error pulling image ${name}: ${reasonOf(error)}`);
  });
  const pulled = await findImage(client, name);
  // The official plugin leaves the reason out.
  if (pulled === undefined)
    throw new Error(`unable to find or pull image ${name}${fault === undefined ? "" : `: ${fault}`}`);
  return pulled;
}

async function inspected(client: EngineClient, state: PropertyMap): Promise<Made | undefined> {
  const name = nameIn(state);
  const image = await findImage(client, name);
  if (image === undefined) return undefined;
  return {
    id: image.id + name,
    state: { imageId: image.id, repoDigest: repoDigest(name, image.repoDigests) },
  };
}

/** The digest of the image in the registry that its name speaks of (data_source_docker_image.go). */
export function repoDigest(name: string, digests: readonly string[]): string {
  if (digests.length <= 1) return digests[0] ?? "";
  const withoutTag = name.split(":")[0] ?? "";
  return digests.find((digest) => digest.startsWith(withoutTag)) ?? digests[0] ?? "";
}

function nameIn(state: PropertyMap): string {
  const name = state.name;
  return typeof name === "string" ? name : "";
}
