import { type PropertyMap, unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, type Change, UNKNOWN } from "../case.ts";
import { bareState, readFills, replacing, updating } from "./container-shape.ts";
import { hostFile, names } from "./fixtures.ts";

/** Inputs that make a whole new container when they are given for the first time. */
const ADDED: PropertyMap = {
  envs: ["A=1"],
  entrypoints: ["/bin/sh"],
  labels: [{ label: "a", value: "b" }],
  ports: [{ internal: 80 }],
  networksAdvanced: [{ name: "bridge" }],
  uploads: [{ file: "/x", content: "y" }],
  capabilities: { drops: ["ALL"] },
  dns: ["192.0.2.1"],
  logOpts: { "max-size": "10m" },
  mounts: [{ type: "bind", source: hostFile, target: "/x" }],
  volumes: [{ hostPath: hostFile, containerPath: "/x" }],
  hosts: [{ host: "a", ip: "192.0.2.1" }],
  ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
  sysctls: { "net.core.somaxconn": "100" },
  securityOpts: ["no-new-privileges:true"],
  groupAdds: ["5"],
  cpus: "0.5",
};

/** Inputs whose place in the state the engine has filled: a change of it, and a whole new container too. */
const FILLED: PropertyMap = {
  image: names.sameImage,
  user: "1000",
  readOnly: true,
  workingDir: "/bin",
  privileged: true,
  stopTimeout: 3,
  stopSignal: "SIGINT",
  hostname: "x",
  shmSize: 32,
  name: "of-its-own",
  networkMode: "none",
};

/** Inputs that don't replace; whether anything happens to the container is another matter. */
const UPDATED: PropertyMap = {
  restart: "always",
  maxRetryCount: 3,
  memory: 64,
  memorySwap: 64,
  cpuShares: 512,
  wait: true,
  waitTimeout: 5,
  mustRun: false,
  start: false,
  init: true,
  removeVolumes: false,
  rm: true,
  attach: true,
};

function each(inputs: PropertyMap, verdict: (name: string) => Change["verdict"]): Change[] {
  return Object.entries(inputs).map(([name, value]) => ({
    title: name,
    after: { [name]: value },
    verdict: verdict(name),
  }));
}

const checked = {
  __defaults: [
    "containerReadRefreshTimeoutMilliseconds",
    "mustRun",
    "name",
    "networkMode",
    "removeVolumes",
    "restart",
    "start",
    "waitTimeout",
  ],
  command: ["/bin/sleep", "1000"],
  containerReadRefreshTimeoutMilliseconds: 15000,
  image: names.image,
  mustRun: true,
  name: bareState.name,
  networkMode: "bridge",
  removeVolumes: true,
  restart: "no",
  start: true,
  waitTimeout: 60,
};

/** The defaults that Check would have filled in, for inputs that go to Create as they are. */
const started = {
  name: `conformance-${names.suffix}`,
  networkMode: "bridge",
  restart: "no",
  start: true,
  mustRun: true,
};

/** One input at a time, given to a container that has nothing but an image and a command. */
export const bareContainer: Cases = {
  type: "docker:index/container:Container",
  inputs: { image: names.image, command: ["/bin/sleep", "1000"] },
  checked,
  id: /^[0-9a-f]{64}$/,
  created: bareState,
  read: { ...bareState, ...readFills },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "the command is dropped", after: { command: null }, verdict: "none" },
    {
      title: "a word of the command",
      after: { command: ["/bin/sleep", "5"] },
      verdict: replacing("command", "UPDATE_REPLACE", "command[1]"),
    },
    {
      title: "a further word of the command",
      after: { command: ["/bin/sleep", "1000", "1"] },
      verdict: replacing("command", "ADD_REPLACE", "command[2]"),
    },
    ...each(ADDED, (name) => replacing(name, "ADD_REPLACE")),
    ...each(FILLED, (name) => replacing(name, "UPDATE_REPLACE")),
    ...each(UPDATED, (name) => updating(name)),
    {
      title: "healthcheck",
      after: { healthcheck: { tests: ["CMD", "true"] } },
      verdict: updating("healthcheck", "ADD"),
    },
    { title: "tmpfs", after: { tmpfs: { "/tmp": "" } }, verdict: updating("tmpfs", "ADD") },
    {
      title: "destroyGraceSeconds",
      after: { destroyGraceSeconds: 3 },
      verdict: updating("destroyGraceSeconds", "ADD"),
    },
    { title: "an unknown image", after: { image: unknown }, verdict: replacing("image", "UPDATE_REPLACE") },
    {
      title: "an unknown restart policy",
      after: { restart: unknown },
      verdict: updating("restart"),
      previewed: {
        ...bareState,
        restart: UNKNOWN,
        // A preview's bookkeeping is never kept; the official plugin's has no schema version in it.
        __meta: bareState.runtime,
      },
    },
  ],
  refusals: [
    { title: "no image", inputs: { image: null }, says: /image/ },
    { title: "a property that there isn't", inputs: { zork: 1 }, says: /zork/ },
    { title: "a negative memory", inputs: { memory: -1 }, says: /'-1' cannot be lower than 0/ },
    {
      title: "a bad duration",
      inputs: { healthcheck: { interval: "soon" } },
      says: /'soon' is not a valid duration/,
    },
    { title: "a bad restart policy", inputs: { restart: "sometimes" }, says: /restart/ },
    {
      title: "a relative host path",
      inputs: { volumes: [{ hostPath: "x", containerPath: "/x" }] },
      says: /'x' must be an absolute path/,
    },
    { title: "devices", inputs: { gpus: "all" }, says: /"gpus" is not supported/, standInOnly: true },
    {
      title: "options of a mount",
      inputs: { mounts: [{ type: "tmpfs", target: "/x", tmpfsOptions: { sizeBytes: 1 } }] },
      says: /mounts\[0\]\.tmpfsOptions/,
      standInOnly: true,
    },
  ],
  failures: [
    {
      title: "an image that is nowhere",
      inputs: { ...started, image: "127.0.0.1:9/no/such:image" },
      says: /^1 error occurred:\n\t\* Unable to create container with image 127\.0\.0\.1:9\/no\/such:image: unable to pull image 127/,
    },
    {
      title: "an empty word in the command",
      inputs: { ...started, command: [""] },
      says: "1 error occurred:\n\t* values for command may not be empty\n\n",
    },
    {
      title: "a volume without a path",
      inputs: { ...started, volumes: [{ volumeName: "x" }] },
      says: "1 error occurred:\n\t* Unable to parse volumes: volume entry without container path or source container\n\n",
    },
  ],
};
