import { type Cases, text, UNKNOWN } from "../case.ts";
import { names } from "./fixtures.ts";

const IMAGE = /^sha256:[0-9a-f]{64}$/;
const META =
  '{"e2bfb730-ecaa-11e6-8f88-34363bc7c4c0":{"create":1200000000000,"delete":1200000000000,"update":1200000000000}}';

const created = {
  __meta: META,
  build: null,
  forceRemove: null,
  id: text(new RegExp(`^sha256:[0-9a-f]{64}${names.image}$`)),
  imageId: text(IMAGE),
  keepLocally: true,
  name: names.image,
  platform: null,
  pullTriggers: null,
  repoDigest: "",
  triggers: null,
};

/** An image that is there is not pulled, and `keepLocally` keeps it at the end. Recordings 01 to 11, `base`. */
export const remoteImage: Cases = {
  type: "docker:index/remoteImage:RemoteImage",
  inputs: { name: names.image, keepLocally: true },
  checked: { __defaults: [], name: names.image, keepLocally: true },
  previewed: { ...created, id: UNKNOWN, imageId: UNKNOWN, repoDigest: UNKNOWN, __meta: expectAny() },
  created,
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "name",
      after: { name: names.sameImage },
      verdict: { replaces: ["name"], diffs: ["name"], detailed: { name: "UPDATE_REPLACE" } },
    },
    {
      title: "keepLocally is dropped",
      after: { keepLocally: null },
      verdict: { diffs: ["keepLocally"], detailed: { keepLocally: "DELETE" } },
      updated: { ...created, keepLocally: false },
    },
    {
      title: "forceRemove",
      after: { forceRemove: true },
      verdict: { diffs: ["forceRemove"], detailed: { forceRemove: "ADD" } },
      updated: { ...created, forceRemove: true },
    },
    {
      title: "triggers",
      after: { triggers: { a: "b" }, pullTriggers: ["c"] },
      verdict: {
        replaces: ["pullTriggers", "triggers"],
        diffs: ["pullTriggers", "triggers"],
        detailed: { pullTriggers: "ADD_REPLACE", triggers: "ADD_REPLACE" },
      },
    },
  ],
  refusals: [
    { title: "no name", inputs: { name: null }, says: /name/ },
    {
      title: "a build on the operator's machine",
      inputs: { build: { context: "." } },
      says: /"build.useLegacyBuilder" must be true: without it the image is built by the operator's own Docker/,
      standInOnly: true,
    },
    {
      title: "a property of the build that the product doesn't use",
      inputs: { build: { context: ".", useLegacyBuilder: true, noCache: true } },
      says: /"build.noCache" is not supported/,
      standInOnly: true,
    },
  ],
  failures: [
    {
      title: "an image that is nowhere",
      inputs: { name: "127.0.0.1:9/no/such:image" },
      says: /Unable to read Docker image into resource: unable to pull image 127\.0\.0\.1:9\/no\/such:image: /,
    },
  ],
};

const { context, builtImage } = names;
const build = {
  ...{ context, dockerfile: `${context}/Dockerfile`, useLegacyBuilder: true, builder: "default" },
  ...{ platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`, buildArgs: { VERSION: "1" } },
  secrets: [{ id: "npm", env: "CONFORMANCE_TOKEN" }],
};
const noTexts = Object.fromEntries(
  [
    ...["buildId", "buildLogFile", "cgroupParent", "cpuSetCpus", "cpuSetMems", "isolation", "networkMode"],
    ...["provenance", "remoteContext", "sbom", "sessionId", "target", "version"],
  ].map((name) => [name, ""]),
);
const noLists = Object.fromEntries(
  [
    ...["additionalContexts", "authConfigs", "cacheFroms", "cacheTos", "extraHosts", "securityOpts"],
    ...["tags", "ulimits"],
  ].map((name) => [name, []]),
);
/** Absent after Create, and after Read what the SDK writes for that. */
const never = {
  ...{ cpuPeriod: 0, cpuQuota: 0, cpuShares: 0, memory: 0, memorySwap: 0, shmSize: 0 },
  ...{ forceRemove: false, noCache: false, pullParent: false, squash: false, suppressOutput: false },
  ...{ label: {}, labels: {} },
};
const nothing = Object.fromEntries(Object.keys(never).map((name) => [name, null]));
/** What Diff also lists while a build stays that was not read back. */
const rewritten = Object.fromEntries(
  Object.keys(never).map((name) => [`build.${name}`, name === "label" ? "ADD" : "ADD_REPLACE"]),
) as Readonly<Record<string, "ADD" | "ADD_REPLACE">>;

const builtState = {
  ...created,
  build: {
    ...{ ...noTexts, ...noLists, ...nothing, ...build, remove: true },
    secrets: [{ id: "npm", env: "CONFORMANCE_TOKEN", src: "" }],
  },
  id: text(new RegExp(`^sha256:[0-9a-f]{64}${builtImage}$`)),
  name: builtImage,
  triggers: { context: "1" },
};

/** Built on the host with secrets. Another trigger replaces it, and `keepLocally` leaves its name to the next. */
export const remoteImageBuild: Cases = {
  type: "docker:index/remoteImage:RemoteImage",
  name: "built",
  inputs: { name: builtImage, keepLocally: true, triggers: { context: "1" }, build },
  checked: {
    ...{ __defaults: [], name: builtImage, keepLocally: true, triggers: { context: "1" } },
    build: {
      ...{ ...build, __defaults: ["remove"], remove: true },
      secrets: [{ __defaults: [], id: "npm", env: "CONFORMANCE_TOKEN" }],
    },
  },
  previewed: { ...builtState, id: UNKNOWN, imageId: UNKNOWN, repoDigest: UNKNOWN, __meta: expectAny() },
  created: builtState,
  read: { ...builtState, build: { ...builtState.build, ...never } },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "a trigger",
      after: { triggers: { context: "2" } },
      verdict: {
        ...{ replaces: ["build", "triggers"], diffs: ["build", "triggers"] },
        detailed: { ...rewritten, "triggers.context": "UPDATE_REPLACE" },
      },
    },
    {
      title: "another variable, and a second secret",
      after: {
        build: {
          ...build,
          secrets: [
            { id: "npm", env: "OTHER" },
            { id: "rc", src: "./rc" },
          ],
        },
      },
      verdict: {
        ...{ replaces: ["build"], diffs: ["build"] },
        detailed: { "build.secrets[0].env": "UPDATE_REPLACE", "build.secrets[1]": "ADD_REPLACE" },
      },
    },
    {
      title: "an argument of the build",
      after: { build: { ...build, buildArgs: { VERSION: "2" } } },
      verdict: {
        ...{ replaces: ["build"], diffs: ["build"] },
        detailed: { "build.buildArgs.VERSION": "UPDATE_REPLACE" },
      },
    },
    {
      title: "no build",
      after: { build: null },
      verdict: { replaces: ["build"], diffs: ["build"], detailed: { build: "DELETE_REPLACE" } },
    },
  ],
};

/** A preview's bookkeeping is never kept, so its exact text doesn't matter. */
function expectAny(): unknown {
  return text();
}
