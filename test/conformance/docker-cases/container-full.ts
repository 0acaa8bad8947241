import type { PropertyMap } from "../../../sandbox/plugins/framework/values.ts";
import type { Cases } from "../case.ts";
import { bareState, inNetwork, readFills, replacing, updating } from "./container-shape.ts";
import { hostFile, names, untilStopped } from "./fixtures.ts";

const inputs: PropertyMap = {
  image: names.image,
  command: untilStopped,
  envs: ["A=1", "B=2"],
  hostname: "h",
  labels: [{ label: "garden.bot", value: "c" }],
  networksAdvanced: [{ name: names.network, aliases: ["a", "c"], ipv4Address: names.address }],
  volumes: [
    { volumeName: names.volume, containerPath: "/data" },
    { hostPath: hostFile, containerPath: "/hostname", readOnly: true },
  ],
  mounts: [{ type: "bind", source: hostFile, target: "/mounted", readOnly: true }],
  uploads: [
    { file: "/cert.pem", content: "certificate\n" },
    { file: "/run.sh", content: "#!/bin/sh\n", executable: true },
  ],
  ports: [{ internal: 8080, external: names.port, ip: "127.0.0.1" }],
  restart: "unless-stopped",
  healthcheck: { tests: ["CMD", "true"], interval: "1s", timeout: "1s", retries: 3, startPeriod: "0s" },
  wait: true,
  waitTimeout: 30,
  stopTimeout: 1,
  stopSignal: "SIGTERM",
  init: true,
  tmpfs: { "/scratch": "size=8m" },
  user: "0:0",
  logDriver: "json-file",
  logOpts: { "max-file": "3", "max-size": "10m" },
  memory: 128,
  memorySwap: 128,
  cpuShares: 512,
  cpus: "0.5",
  shmSize: 32,
  capabilities: { drops: ["ALL"] },
  securityOpts: ["no-new-privileges:true"],
  ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
  sysctls: { "net.core.somaxconn": "128" },
  dns: ["192.0.2.1"],
  hosts: [{ host: "a", ip: "192.0.2.1" }],
  groupAdds: ["5"],
  workingDir: "/src",
  destroyGraceSeconds: 5,
};

const upload = { contentBase64: "", permissions: "", source: "", sourceHash: "" };
const volume = { fromContainer: "", hostPath: "", selinuxRelabel: "", volumeName: "" };

/** Inside sets, what was never given is absent after Create, and 0 or false after a Read or an Update. */
function state(never: { readonly number: number | null; readonly bool: boolean | null }) {
  return {
    ...bareState,
    ...inputs,
    capabilities: { adds: [], drops: ["ALL"] },
    healthcheck: {
      interval: "1s",
      retries: 3,
      startInterval: "0s",
      startPeriod: "0s",
      tests: ["CMD", "true"],
      timeout: "1s",
    },
    hosts: [{ host: "a", ip: "192.0.2.1" }],
    mounts: [
      {
        bindOptions: null,
        readOnly: true,
        source: hostFile,
        target: "/mounted",
        tmpfsOptions: null,
        type: "bind",
        volumeOptions: null,
      },
    ],
    networkDatas: [inNetwork(names.network, names.address)],
    networksAdvanced: [
      {
        aliases: ["a", "c"],
        driverOpts: [],
        gwPriority: never.number,
        ipv4Address: names.address,
        ipv6Address: "",
        linkLocalIps: [],
        macAddress: "",
        name: names.network,
      },
    ],
    ports: [{ external: names.port, internal: 8080, ip: "127.0.0.1", protocol: "tcp" }],
    uploads: [
      { ...upload, content: "#!/bin/sh\n", executable: true, file: "/run.sh" },
      { ...upload, content: "certificate\n", executable: false, file: "/cert.pem" },
    ],
    volumes: [
      { ...volume, containerPath: "/data", readOnly: never.bool, volumeName: names.volume },
      { ...volume, containerPath: "/hostname", hostPath: hostFile, readOnly: true },
    ],
  };
}

const created = state({ number: null, bool: null });
const later = state({ number: 0, bool: false });
const read = { ...later, dnsOpts: readFills.dnsOpts, dnsSearches: readFills.dnsSearches, storageOpts: {} };

/** A container with everything that the product gives one. Recordings 01 to 11, `c`, `ro` and `c2`. */
export const fullContainer: Cases = {
  type: "docker:index/container:Container",
  inputs,
  checked: {
    ...inputs,
    __defaults: [
      "containerReadRefreshTimeoutMilliseconds",
      "mustRun",
      "name",
      "networkMode",
      "removeVolumes",
      "start",
    ],
    containerReadRefreshTimeoutMilliseconds: 15000,
    mustRun: true,
    name: bareState.name,
    networkMode: "bridge",
    removeVolumes: true,
    start: true,
    capabilities: { __defaults: [], drops: ["ALL"] },
    healthcheck: {
      __defaults: ["startInterval"],
      interval: "1s",
      retries: 3,
      startInterval: "0s",
      startPeriod: "0s",
      tests: ["CMD", "true"],
      timeout: "1s",
    },
    hosts: [{ __defaults: [], host: "a", ip: "192.0.2.1" }],
    labels: [{ __defaults: [], label: "garden.bot", value: "c" }],
    mounts: [{ __defaults: [], type: "bind", source: hostFile, target: "/mounted", readOnly: true }],
    networksAdvanced: [
      { __defaults: [], name: names.network, aliases: ["a", "c"], ipv4Address: names.address },
    ],
    ports: [
      { __defaults: ["protocol"], external: names.port, internal: 8080, ip: "127.0.0.1", protocol: "tcp" },
    ],
    ulimits: [{ __defaults: [], name: "nofile", soft: 1024, hard: 2048 }],
    uploads: [
      { __defaults: [], file: "/cert.pem", content: "certificate\n" },
      { __defaults: [], file: "/run.sh", content: "#!/bin/sh\n", executable: true },
    ],
    volumes: [
      { __defaults: [], volumeName: names.volume, containerPath: "/data" },
      { __defaults: [], hostPath: hostFile, containerPath: "/hostname", readOnly: true },
    ],
  },
  created,
  read,
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "restart policy and memory, which the engine really updates",
      after: { restart: "always", memory: 256, memorySwap: 256 },
      verdict: {
        diffs: ["memory", "memorySwap", "restart"],
        detailed: { memory: "UPDATE", memorySwap: "UPDATE", restart: "UPDATE" },
      },
      updated: { ...later, restart: "always", memory: 256, memorySwap: 256 },
    },
    {
      title: "memory without its swap",
      after: { memory: null, memorySwap: null },
      verdict: { diffs: ["memory", "memorySwap"], detailed: { memory: "DELETE", memorySwap: "DELETE" } },
    },
    {
      title: "a health check's test, which updates nothing",
      after: {
        healthcheck: {
          tests: ["CMD", "false"],
          interval: "1s",
          timeout: "1s",
          retries: 3,
          startPeriod: "0s",
        },
      },
      verdict: updating("healthcheck", "UPDATE", "healthcheck.tests[1]"),
      updated: { ...later, healthcheck: { ...later.healthcheck, tests: ["CMD", "false"] } },
    },
    {
      title: "a duration in another spelling than Go's",
      after: {
        healthcheck: {
          tests: ["CMD", "true"],
          interval: "1000ms",
          timeout: "1s",
          retries: 3,
          startPeriod: "0s",
        },
      },
      verdict: updating("healthcheck", "UPDATE", "healthcheck.interval"),
    },
    { title: "no waiting", after: { wait: null }, verdict: updating("wait") },
    {
      title: "the environment",
      after: { envs: ["A=1", "B=3"] },
      verdict: replacing("envs", "UPDATE_REPLACE", "envs[1]"),
    },
    { title: "the environment's order", after: { envs: ["B=2", "A=1"] }, verdict: "none" },
    { title: "no environment", after: { envs: null }, verdict: "none" },
    { title: "no user", after: { user: null }, verdict: "none" },
    { title: "no working directory", after: { workingDir: null }, verdict: "none" },
    {
      title: "a copied file's content",
      after: {
        uploads: [
          { file: "/cert.pem", content: "another\n" },
          { file: "/run.sh", content: "#!/bin/sh\n", executable: true },
        ],
      },
      verdict: replacing("uploads", "UPDATE_REPLACE"),
    },
    {
      title: "a port",
      after: { ports: [{ internal: 8080, external: names.port + 1, ip: "127.0.0.1" }] },
      verdict: replacing("ports", "UPDATE_REPLACE", "ports[0].external"),
    },
    {
      title: "an alias",
      after: { networksAdvanced: [{ name: names.network, aliases: ["a"], ipv4Address: names.address }] },
      verdict: replacing("networksAdvanced", "UPDATE_REPLACE"),
    },
    {
      title: "the aliases' order",
      after: { networksAdvanced: [{ name: names.network, aliases: ["c", "a"], ipv4Address: names.address }] },
      verdict: "none",
    },
    {
      title: "a mount's source, which neither replaces nor updates anything",
      after: { mounts: [{ type: "bind", source: "/etc/hosts", target: "/mounted", readOnly: true }] },
      verdict: updating("mounts", "UPDATE", "mounts[0].source"),
    },
    { title: "no mounts", after: { mounts: null }, verdict: replacing("mounts", "DELETE_REPLACE") },
    {
      title: "a tmpfs, which updates nothing",
      after: { tmpfs: null },
      verdict: updating("tmpfs", "DELETE", 'tmpfs["/scratch"]'),
    },
    {
      title: "a log option",
      after: { logOpts: { "max-file": "4", "max-size": "10m" } },
      verdict: replacing("logOpts", "UPDATE_REPLACE", 'logOpts["max-file"]'),
    },
    {
      title: "a capability",
      after: { capabilities: { drops: ["ALL"], adds: ["CAP_CHOWN"] } },
      verdict: replacing("capabilities", "ADD_REPLACE", "capabilities.adds"),
    },
  ],
};
