import { unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, secret, text, UNKNOWN } from "../case.ts";
import { names } from "./fixtures.ts";

const DIGEST = text(/^[0-9a-f]{64}$/);
const IMAGE = text(/^sha256:[0-9a-f]{64}$/);

const build = {
  args: { VERSION: "1" },
  context: names.context,
  contextDigest: DIGEST,
  dockerfile: `${names.context}/Dockerfile`,
  platform: text(/^linux\//),
};
const inputs = { build, buildOnPreview: false, imageName: names.builtImage, skipPush: true };

function state(args: object) {
  return {
    __inputs: secret({ ...inputs, build: { ...build, args } }),
    baseImageName: names.builtImage,
    context: names.context,
    dockerfile: "Dockerfile",
    imageName: names.builtImage,
    platform: text(/^linux\//),
    registryServer: "",
    repoDigest: IMAGE,
  };
}

/** Built on the host with BuildKit. Every change builds again, nothing replaces. Recordings 01 to 11, `img`. */
export const image: Cases = {
  type: "docker:index/image:Image",
  inputs: {
    imageName: names.builtImage,
    skipPush: true,
    build: { context: names.context, args: { VERSION: "1" } },
  },
  checked: inputs,
  previewed: inputs,
  id: new RegExp(`^${names.builtImage}$`),
  created: state({ VERSION: "1" }),
  // The engine sends secrets open to a plugin that doesn't take them, and Read answers what it was sent.
  read: { ...state({ VERSION: "1" }), __inputs: inputs },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "a build argument",
      after: { build: { context: names.context, args: { VERSION: "2" } } },
      verdict: { diffs: [], detailed: { build: "UPDATE" } },
      updated: state({ VERSION: "2" }),
    },
    {
      title: "an unknown build argument",
      after: { build: { context: names.context, args: { VERSION: unknown } } },
      verdict: { diffs: [], detailed: { build: "UPDATE" } },
      previewed: { ...inputs, build: { ...build, args: { VERSION: UNKNOWN } } },
    },
    {
      title: "the name",
      after: { imageName: `${names.builtImage}-2` },
      verdict: { diffs: [], detailed: { imageName: "UPDATE" } },
    },
  ],
  refusals: [
    {
      title: "pushing",
      inputs: { skipPush: false, imageName: "registry.example/x:1" },
      says: /"skipPush" must be true: the sandbox's stand-in plugin pushes to no registry/,
      standInOnly: true,
    },
    {
      title: "a registry",
      inputs: { registry: { server: "registry.example" } },
      says: /"registry" is not supported/,
      standInOnly: true,
    },
    {
      title: "a property that there isn't",
      inputs: { build: { context: names.context, zork: "1" } },
      says: /build\.zork/,
      standInOnly: true,
    },
    {
      title: "no Dockerfile",
      inputs: { build: { context: "no-such-folder" } },
      says: /could not open dockerfile at relative path "no-such-folder\/Dockerfile": stat no-such-folder\/Dockerfile: no such file or directory/,
    },
    {
      title: "a Dockerfile given from the context",
      inputs: { build: { context: names.context, dockerfile: "Dockerfile" } },
      says: new RegExp(`Try setting \`dockerfile\` to "${names.context}/Dockerfile"`),
    },
    {
      title: "an unknown builder",
      inputs: { build: { context: names.context, builderVersion: "X" } },
      says: /invalid Docker Builder version|expected "build.builderVersion" to be one of/,
    },
  ],
};
