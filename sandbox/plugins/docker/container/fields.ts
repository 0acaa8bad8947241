/**
 * The inputs and outputs of docker.Container.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/resource_docker_container.go, and the bridge's
 * schema of pulumi-docker 5.2.0. Defaults of "", 0 and false are not put into the inputs by the bridge; they are
 * `unset` here.
 */
import type { Field, Fields } from "../../framework/resource.ts";
import { labelsField } from "../resources/labels.ts";

const DEVICES = "the stand-in gives containers no devices";
const text = { kind: "string", replace: true, unset: "" } as const;
const plainSet: Field = { kind: "set", replace: true };

function objects(kind: "set" | "list", fields: Fields): Field {
  return { kind, replace: true, unset: [], of: { kind: "object", fields } };
}

function refusedSet(why: string): Field {
  return { kind: "set", unset: [], of: { kind: "object", fields: {} }, unsupported: why };
}

/** What the container runs and how it is kept running. */
const process: Fields = {
  name: { kind: "string", replace: true, autoname: true },
  image: { kind: "string", required: true, replace: true },
  command: { kind: "list", replace: true, computed: true, unset: [] },
  entrypoints: { kind: "list", replace: true, computed: true, unset: [] },
  envs: { kind: "set", replace: true, computed: true, unset: [] },
  user: { kind: "string", replace: true },
  workingDir: { kind: "string", replace: true },
  hostname: { kind: "string", replace: true, computed: true },
  domainname: { kind: "string", replace: true },
  labels: { ...labelsField, computed: true, unset: [] },
  init: { kind: "bool", computed: true },
  tty: { kind: "bool", replace: true, unset: false },
  stdinOpen: { kind: "bool", replace: true, unset: false },
  stopSignal: { kind: "string", replace: true, computed: true },
  stopTimeout: { kind: "number", replace: true, computed: true },
  restart: { kind: "string", default: "no", oneOf: ["no", "on-failure", "always", "unless-stopped"] },
  maxRetryCount: { kind: "number" },
  healthcheck: {
    kind: "object",
    computed: true,
    fields: {
      tests: { kind: "list" },
      interval: { kind: "string", default: "0s" },
      timeout: { kind: "string", default: "0s" },
      startPeriod: { kind: "string", default: "0s" },
      startInterval: { kind: "string", default: "0s" },
      retries: { kind: "number", unset: 0 },
    },
  },
};

/** What the plugin does with the container, beyond making it. */
const handling: Fields = {
  start: { kind: "bool", default: true },
  mustRun: { kind: "bool", default: true },
  wait: { kind: "bool", unset: false },
  waitTimeout: { kind: "number", default: 60 },
  attach: { kind: "bool", unset: false },
  logs: { kind: "bool", unset: false },
  rm: { kind: "bool", unset: false },
  removeVolumes: { kind: "bool", default: true },
  destroyGraceSeconds: { kind: "number" },
  containerReadRefreshTimeoutMilliseconds: { kind: "number", default: 15000 },
  exitCode: { kind: "number", output: true },
  containerLogs: { kind: "string", output: true },
};

/** Limits and rights. */
const limits: Fields = {
  memory: { kind: "number" },
  memoryReservation: { kind: "number", unset: 0 },
  memorySwap: { kind: "number" },
  cpus: { kind: "string", replace: true },
  cpuShares: { kind: "number" },
  cpuSet: { kind: "string" },
  cpuPeriod: { kind: "number" },
  cpuQuota: { kind: "number" },
  shmSize: { kind: "number", replace: true, computed: true },
  ulimits: objects("set", {
    name: { ...text, required: true },
    soft: { kind: "number", required: true, replace: true },
    hard: { kind: "number", required: true, replace: true },
  }),
  sysctls: { kind: "map", replace: true },
  capabilities: {
    kind: "object",
    replace: true,
    fields: { adds: { ...plainSet, unset: [] }, drops: { ...plainSet, unset: [] } },
  },
  securityOpts: { ...plainSet, computed: true, unset: [] },
  privileged: { kind: "bool", replace: true },
  readOnly: { kind: "bool", replace: true, unset: false },
  groupAdds: plainSet,
  ipcMode: { kind: "string", replace: true, computed: true },
  pidMode: { kind: "string", replace: true },
  usernsMode: { kind: "string", replace: true },
  cgroupnsMode: { kind: "string", replace: true },
  cgroupParent: { kind: "string", replace: true },
  runtime: { kind: "string", replace: true, computed: true },
  storageOpts: { kind: "map", replace: true },
  platform: { kind: "string", replace: true, computed: true },
  gpus: { kind: "string", replace: true, unsupported: DEVICES },
  devices: { ...refusedSet(DEVICES), replace: true },
  deviceRequests: { ...refusedSet(DEVICES), replace: true },
  deviceReadBps: refusedSet(DEVICES),
  deviceReadIops: refusedSet(DEVICES),
  deviceWriteBps: refusedSet(DEVICES),
  deviceWriteIops: refusedSet(DEVICES),
};

/** Files and logs. */
const files: Fields = {
  volumes: objects("set", {
    containerPath: text,
    volumeName: text,
    hostPath: text,
    fromContainer: text,
    readOnly: { kind: "bool", replace: true },
    selinuxRelabel: text,
  }),
  mounts: objects("set", {
    type: { kind: "string", required: true, unset: "", oneOf: ["bind", "volume", "tmpfs"] },
    target: { kind: "string", required: true, unset: "" },
    source: { kind: "string", unset: "" },
    readOnly: { kind: "bool" },
    bindOptions: { kind: "object", unsupported: "the stand-in mounts without options" },
    volumeOptions: { kind: "object", unsupported: "the stand-in mounts without options" },
    tmpfsOptions: { kind: "object", unsupported: "give the container's tmpfs instead" },
  }),
  tmpfs: { kind: "map" },
  uploads: objects("set", {
    file: { ...text, required: true },
    content: text,
    contentBase64: text,
    source: text,
    sourceHash: text,
    executable: { kind: "bool", replace: true, unset: false },
    permissions: text,
  }),
  logDriver: { kind: "string", replace: true, computed: true },
  logOpts: { kind: "map", replace: true },
};

/** Networks and ports. */
const networking: Fields = {
  networkMode: { kind: "string", replace: true, default: "bridge" },
  networksAdvanced: objects("set", {
    name: { ...text, required: true },
    aliases: { ...plainSet, unset: [] },
    ipv4Address: text,
    ipv6Address: text,
    linkLocalIps: { ...plainSet, unset: [] },
    macAddress: text,
    driverOpts: { ...plainSet, unset: [] },
    gwPriority: { kind: "number", replace: true },
  }),
  ports: objects("list", {
    internal: { kind: "number", required: true, replace: true },
    external: { kind: "number", replace: true, computed: true },
    ip: { kind: "string", replace: true, default: "0.0.0.0" },
    protocol: { kind: "string", replace: true, default: "tcp" },
  }),
  publishAllPorts: { kind: "bool", replace: true },
  dns: plainSet,
  dnsOpts: plainSet,
  dnsSearches: plainSet,
  hosts: objects("set", { host: { ...text, required: true }, ip: { ...text, required: true } }),
  bridge: { kind: "string", output: true },
  networkDatas: {
    kind: "list",
    output: true,
    unset: [],
    of: {
      kind: "object",
      fields: {
        networkName: { kind: "string" },
        ipAddress: { kind: "string" },
        ipPrefixLength: { kind: "number" },
        gateway: { kind: "string" },
        globalIpv6Address: { kind: "string" },
        globalIpv6PrefixLength: { kind: "number" },
        ipv6Gateway: { kind: "string" },
        macAddress: { kind: "string" },
      },
    },
  },
};

/** All of them. */
export const containerFields: Fields = { ...process, ...handling, ...limits, ...files, ...networking };
