/** The state of a container that was given an image and a command and nothing else, as the official plugin leaves it. */
import { expect } from "vitest";
import { text } from "../case.ts";
import { names } from "./fixtures.ts";

/** Bookkeeping of the bridge: timeouts and the schema's version. */
const META =
  '{"e2bfb730-ecaa-11e6-8f88-34363bc7c4c0":{"create":1200000000000,"delete":1200000000000,"update":1200000000000},"schema_version":"2"}';

/** What it is in one network. */
export function inNetwork(networkName: string, ipAddress: unknown = text(/^\d+(\.\d+){3}$/)) {
  return {
    gateway: text(/^\d+(\.\d+){3}$/),
    globalIpv6Address: "",
    globalIpv6PrefixLength: 0,
    ipAddress,
    ipPrefixLength: expect.any(Number) as unknown,
    ipv6Gateway: "",
    macAddress: text(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/),
    networkName,
  };
}

/** The state after Create: what was never given is absent, whatever the engine fills in. */
export const bareState = {
  __meta: META,
  attach: false,
  bridge: "",
  capabilities: null,
  cgroupParent: null,
  cgroupnsMode: null,
  command: ["/bin/sleep", "1000"],
  containerLogs: null,
  containerReadRefreshTimeoutMilliseconds: 15000,
  cpuPeriod: null,
  cpuQuota: null,
  cpuSet: "",
  cpuShares: 0,
  cpus: null,
  destroyGraceSeconds: null,
  deviceReadBps: [],
  deviceReadIops: [],
  deviceRequests: [],
  deviceWriteBps: [],
  deviceWriteIops: [],
  devices: [],
  dns: null,
  dnsOpts: null,
  dnsSearches: null,
  domainname: "",
  entrypoints: [],
  envs: [],
  exitCode: null,
  gpus: null,
  groupAdds: null,
  healthcheck: null,
  hostname: text(/^[0-9a-f]{12}$/),
  hosts: [],
  id: text(/^[0-9a-f]{64}$/),
  image: names.image,
  init: false,
  ipcMode: "private",
  labels: [],
  logDriver: text(/^[a-z-]+$/),
  logOpts: null,
  logs: false,
  maxRetryCount: 0,
  memory: 0,
  memoryReservation: 0,
  memorySwap: 0,
  mounts: [],
  mustRun: true,
  name: text(/^it-[0-9a-f]{7}$/),
  networkDatas: [inNetwork("bridge")],
  networkMode: "bridge",
  networksAdvanced: [],
  pidMode: null,
  platform: "linux",
  ports: [],
  privileged: false,
  publishAllPorts: false,
  readOnly: false,
  removeVolumes: true,
  restart: "no",
  rm: false,
  runtime: text(/./),
  securityOpts: [],
  shmSize: 64,
  start: true,
  stdinOpen: false,
  stopSignal: "",
  stopTimeout: 0,
  storageOpts: null,
  sysctls: null,
  tmpfs: null,
  tty: false,
  ulimits: [],
  uploads: [],
  user: "",
  usernsMode: "",
  volumes: [],
  wait: false,
  waitTimeout: 60,
  workingDir: "",
};

/** What a Read (a refresh) fills in with empty collections. */
export const readFills = {
  dns: [],
  dnsOpts: [],
  dnsSearches: [],
  groupAdds: [],
  logOpts: {},
  storageOpts: {},
  sysctls: {},
  tmpfs: {},
};

/** A verdict: the property replaces, which deletes first (the official plugin says so of every container). */
export function replacing(name: string, kind: string, key = name) {
  return { replaces: [name], diffs: [name], deleteBeforeReplace: true, detailed: { [key]: kind } };
}

/** A verdict: the property is updated. */
export function updating(name: string, kind = "UPDATE", key = name) {
  return { diffs: [name], detailed: { [key]: kind } };
}
