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
      says: /"build" is not supported .* use docker.Image/,
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

/** A preview's bookkeeping is never kept, so its exact text doesn't matter. */
function expectAny(): unknown {
  return text();
}
