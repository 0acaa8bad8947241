/**
 * Plants resources on Pulumi's mocks and writes down what the engine would be asked for. Nothing is asserted while the
 * program runs: a recording is drained first, so that a value that never comes shows as a missing resource.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";

/** One registered resource. */
export interface Recorded {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** As they went to the engine: what is secret is wrapped, see `isSecret` and `plain`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly options: pulumi.CustomResourceOptions;
  readonly resource: pulumi.Resource;
}

export interface RecordOptions {
  /** Preview: of what a provider would answer only its own inputs are known, and no id. */
  readonly preview?: boolean;
  /** Answers to invokes, by token; any other invoke fails, but that every tag stands for `DIGEST`. */
  readonly answers?: Readonly<Record<string, Answer>>;
}

/** What an invoke answers, or a function that makes it or throws. */
type Answer =
  | Readonly<Record<string, unknown>>
  | ((args: Readonly<Record<string, unknown>>) => Record<string, unknown> | Promise<Record<string, unknown>>);

/** The function that asks a registry. */
export const REGISTRY_IMAGE = "docker:index/getRegistryImage:getRegistryImage";
/** The function that gives a stack's state; unless told otherwise, nothing has been deployed. */
export const STATE = "pulumi:pulumi:readStackResourceOutputs";
/** What a registry says of every tag. */
export const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

export interface Recording<T> {
  readonly resources: readonly Recorded[];
  /** What the planted function returned. */
  readonly result: T;
}

/** Runs `plant` as the program of the stack `unit` and waits until nothing is registered any more. */
export async function record<T>(
  plant: () => T | Promise<T>,
  options: RecordOptions = {},
): Promise<Recording<T>> {
  const { stackTraceLimit } = Error;
  // Pulumi writes down where every promise was made, which would be most of a recording's time.
  Error.stackTraceLimit = 3;
  try {
    return await runAndDrain(plant, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function runAndDrain<T>(plant: () => T | Promise<T>, options: RecordOptions): Promise<Recording<T>> {
  const { preview = false } = options;
  const answers: Record<string, Answer> = {
    [REGISTRY_IMAGE]: { sha256Digest: DIGEST },
    [STATE]: { outputs: {} },
    ...options.answers,
  };
  const asked: { type: string; name: string; custom: boolean; inputs: Record<string, unknown> }[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, custom = false, inputs }) => {
        asked.push({ type, name, custom, inputs: inputs as Record<string, unknown> });
        if (preview) return { id: undefined, state: { ...inputs } };
        return { id: `${name}-id-of-twelve-and-more`, state: { ...inputs, ...outputsOf(type, name) } };
      },
      call: ({ token, inputs }) => {
        const answer = answers[token];
        if (answer === undefined) throw new Error(`the recorder has no answer to ${token}`);
        return typeof answer === "function" ? answer(inputs as Record<string, unknown>) : answer;
      },
    },
    "botgarden",
    "unit",
    preview,
    "organization",
  );
  const built: { resource: pulumi.Resource; type: string; name: string; options: pulumi.ResourceOptions }[] =
    [];
  let result: { value: T } | undefined;
  await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(({ resource, type, name, opts }) => {
      built.push({ resource, type, name, options: opts });
      return undefined;
    });
    result = { value: await plant() };
  });
  await drain(() => asked.length);
  if (result === undefined) throw new Error("the planted function did not end");
  return { result: result.value, resources: asked.map((one) => ({ ...one, ...partnerOf(one, built) })) };
}

/** style.md, section 5: one `disconnect` comes back before chained resources are registered. */
async function drain(count: () => number): Promise<void> {
  for (let before = -1; before !== count(); ) {
    before = count();
    await pulumi.runtime.disconnect();
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  }
}

function partnerOf(
  asked: { type: string; name: string },
  built: readonly {
    resource: pulumi.Resource;
    type: string;
    name: string;
    options: pulumi.ResourceOptions;
  }[],
): { options: pulumi.CustomResourceOptions; resource: pulumi.Resource } {
  const partner = built.find(({ type, name }) => type === asked.type && name === asked.name);
  // The stack itself is there before any transformation.
  if (partner === undefined)
    return { options: {}, resource: pulumi.runtime.getStackResource() as pulumi.Resource };
  return { options: partner.options, resource: partner.resource };
}

/** What the providers would answer besides the inputs; secret where their schemas say so. */
function outputsOf(type: string, name: string): Record<string, unknown> {
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      return { result: pulumi.secret(canaryOf(name)) };
    case "tls:index/privateKey:PrivateKey":
      return { privateKeyPem: pulumi.secret(canaryOf(name)), publicKeyPem: `public half of ${name}` };
    case "tls:index/selfSignedCert:SelfSignedCert":
    case "tls:index/locallySignedCert:LocallySignedCert":
      return { certPem: `certificate ${name}` };
    case "tls:index/certRequest:CertRequest":
      return { certRequestPem: `request ${name}` };
    case "docker:index/image:Image":
      return { repoDigest: `sha256:digest-of-${name}` };
    case "docker:index/remoteImage:RemoteImage":
      return { imageId: `sha256:id-of-${name}` };
    case "docker:index/container:Container":
      return { name: `${name}-0a1b2c3` };
    default:
      return {};
  }
}

/** The value of a made-up password or key: a text that can be searched for. */
export function canaryOf(name: string): string {
  return `canary-of-${name}-yraNaC`;
}

/** Whether an input went to the engine as a secret. */
export function isSecret(value: unknown): boolean {
  return pulumi.runtime.isRpcSecret(value) === true;
}

/** The same value without the wrappers of secrets, on any level. */
export function plain(value: unknown): unknown {
  if (isSecret(value)) return plain(pulumi.runtime.unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** All texts in a value that are not part of a secret, with the path to each. */
export function readableTexts(value: unknown, path = ""): { path: string; text: string }[] {
  if (isSecret(value)) return [];
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => readableTexts(inner, `${path}.${key}`));
}

/** The value of an output that is known. */
export function valueOfOutput<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/** The one resource of that type and name. */
export function find(resources: readonly Recorded[], type: string, name: string): Recorded {
  const [found, ...others] = resources.filter((one) => one.type === type && one.name === name);
  if (found === undefined)
    throw new Error(`there is no ${type} ${name}, only: ${resources.map((one) => one.name).join(", ")}`);
  if (others.length > 0) throw new Error(`there are ${others.length + 1} of ${type} ${name}`);
  return found;
}

/** The resources of a type, of which there must be some. */
export function allOf(resources: readonly Recorded[], type: string): Recorded[] {
  const found = resources.filter((one) => one.type === type);
  if (found.length === 0) throw new Error(`there is no ${type}`);
  return found;
}

export const CONTAINER = "docker:index/container:Container";
export const VOLUME = "docker:index/volume:Volume";
export const COMMAND = "command:local:Command";
