/**
 * docker.Image: built on the host from a folder of the operator's. Every change builds again, nothing replaces,
 * deleting does nothing.
 *
 * Source: pulumi-docker (5.2.0) provider/provider.go and provider/image.go. The stand-in never pushes and never
 * builds in a preview; both are refused by name.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, DiffAnswer, DiffKind, Resource } from "../../framework/resource.ts";
import {
  equal,
  isMap,
  isNothing,
  mapWithoutSecrets,
  type PropertyMap,
  Secret,
  type Value,
} from "../../framework/values.ts";
import { packContext } from "../context/pack.ts";
import { buildImage } from "../engine/build.ts";
import type { EngineClient } from "../engine/client.ts";
import { imageId, listImages } from "../engine/images.ts";
import { reasonOf } from "../faults.ts";
import type { Host } from "../host.ts";
import { completedBuild, operatorPlatform } from "./image-build.ts";

const BUILDERS = { BuilderV1: "1", BuilderBuildKit: "2" } as const;
/** How often, and after how many milliseconds, a built image is looked for in the engine's list. */
const LOOK_TRIES = 5;
const LOOK_AGAIN_MS = 1000;

/** The resource. */
export const image: Resource<Host> = {
  type: "docker:index/image:Image",
  flavour: "native",
  ownState: true,
  fields: {
    imageName: { kind: "string", required: true },
    skipPush: { kind: "bool" },
    buildOnPreview: { kind: "bool", default: false },
    registry: { kind: "object", unsupported: "nothing is pushed to registries; set skipPush: true" },
    build: {
      kind: "object",
      fields: {
        context: { kind: "string" },
        dockerfile: { kind: "string" },
        args: { kind: "map" },
        target: { kind: "string" },
        platform: { kind: "string" },
        builderVersion: { kind: "string", oneOf: Object.keys(BUILDERS) },
        network: { kind: "string" },
        addHosts: { kind: "list" },
        cacheFrom: { kind: "object", unsupported: "the host's own build cache is used" },
      },
    },
    dockerfile: { kind: "string", output: true },
    context: { kind: "string", output: true },
    baseImageName: { kind: "string", output: true },
    registryServer: { kind: "string", output: true },
    platform: { kind: "string", output: true },
    repoDigest: { kind: "string", output: true },
  },
  check: async ({ inputs, log }) => {
    const failures = refusals(inputs);
    const { build, guessedPlatform } = await completedBuild(inputs.build);
    if (guessedPlatform) log("info", platformNote());
    return { inputs: { ...inputs, build }, failures };
  },
  diff: ({ state, inputs }) => difference(inputsIn(state), inputs),
  previewOf: ({ inputs }) => inputs,
  create: async (call) => ({ id: text(call.inputs.imageName), state: await built(call) }),
  update: (call) => built(call),
};

function refusals(inputs: PropertyMap) {
  const failures: { property: string; reason: string }[] = [];
  if (inputs.skipPush !== true) {
    failures.push({
      property: "skipPush",
      reason: '"skipPush" must be true: the sandbox\'s stand-in plugin pushes to no registry',
    });
  }
  if (inputs.buildOnPreview === true) {
    failures.push({
      property: "buildOnPreview",
      reason: '"buildOnPreview" must be false: the sandbox\'s stand-in plugin builds nothing in a preview',
    });
  }
  return failures;
}

function platformNote(): string {
  return (
    `Building your image for ${operatorPlatform()} architecture.\n` +
    "To ensure you are building for the correct platform, consider explicitly setting the `platform` field on " +
    "ImageBuildOptions."
  );
}

/** The inputs of the last build, which the state carries along. */
function inputsIn(state: PropertyMap): PropertyMap {
  const kept = state.__inputs;
  const plain = kept instanceof Secret ? kept.value : kept;
  return isMap(plain) ? plain : {};
}

function difference(before: PropertyMap, after: PropertyMap): DiffAnswer {
  const detailed: Record<string, DiffKind> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[name], after[name]];
    if (equal(old, now)) continue;
    detailed[name] = isNothing(old) ? "ADD" : isNothing(now) ? "DELETE" : "UPDATE";
  }
  return { changed: Object.keys(detailed).length > 0, replaces: [], diffs: [], detailed };
}

async function built(call: Call<Host> & { readonly inputs: PropertyMap }): Promise<PropertyMap> {
  const inputs = mapWithoutSecrets(call.inputs);
  const name = text(inputs.imageName);
  const build = isMap(inputs.build) ? inputs.build : {};
  const client = call.provider.unchecked;
  const context = await packContext(text(build.context), text(build.dockerfile));
  call.status("Starting Docker build");
  const id = await buildImage(client, context.tar, {
    builder: BUILDERS[build.builderVersion === "BuilderV1" ? "BuilderV1" : "BuilderBuildKit"],
    tag: name,
    dockerfile: context.dockerfileInTar,
    args: textsIn(build.args),
    extraHosts: Array.isArray(build.addHosts) ? build.addHosts.map(text) : [],
    ...optionalText("target", build.target),
    ...optionalText("platform", build.platform),
    ...optionalText("network", build.network),
    signal: call.signal,
    log: call.status,
  });
  call.status(`Built image with local id "${id}", polling image store for image`);
  await found(client, id);
  call.status(`Image built successfully, local id "${id}"`);
  return {
    __inputs: new Secret(inputs),
    dockerfile: context.dockerfile,
    context: text(build.context),
    baseImageName: name,
    registryServer: "",
    imageName: name,
    platform: text(build.platform),
    repoDigest: await imageId(client, name),
  };
}

async function found(client: EngineClient, id: string): Promise<void> {
  for (let i = 0; i < LOOK_TRIES; i++) {
    const images = await listImages(client).catch((error: unknown) => {
      throw new Error(`error inspecting image: ${reasonOf(error)}`);
    });
    if (images.some((one) => one.id === id)) return;
    await sleep(LOOK_AGAIN_MS);
  }
  throw new Error("unable to find built image in local image store");
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function optionalText<K extends string>(name: K, value: Value | undefined): { [name in K]?: string } {
  return (typeof value === "string" && value !== "" ? { [name]: value } : {}) as { [name in K]?: string };
}

function textsIn(map: Value | undefined): Record<string, string> {
  if (!isMap(map)) return {};
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, text(value)]));
}
