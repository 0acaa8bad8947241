/**
 * A container as the state holds it, read back from the engine.
 *
 * Source: terraform-provider-docker v4.5.0, resource_docker_container_funcs.go `resourceDockerContainerRead`. What is
 * not here (environment, labels, volumes, uploads, networks as asked for) is never read back.
 */
import type { PropertyMap } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import {
  member,
  memberEntries,
  memberList,
  memberNumber,
  memberText,
  memberTextMap,
  memberTexts,
  memberTrue,
} from "../engine/json-lines.ts";
import { formatDuration } from "./durations.ts";
import { mapIn, objectsIn, textIn, trueIn } from "./inputs.ts";
import { portsFromEngine } from "./ports.ts";

const MEBIBYTE = 1024 * 1024;

/**
 * What the engine says about a container.
 *
 * @param state what the state (or, after a create, the plan) holds: some things are read back only if they were set
 * @returns undefined when the container doesn't exist
 */
export async function inspectContainer(
  client: EngineClient,
  id: string,
  state: PropertyMap,
): Promise<PropertyMap | undefined> {
  const list = await client.json("GET", "/containers/json", { query: { all: "1" } }).catch((error: Error) => {
    throw new Error(`error fetching container information from Docker: ${error.message}\n`);
  });
  if (!memberList({ list }, "list").some((one) => memberText(one, "Id") === id)) return undefined;
  const found = await client.json("GET", `/containers/${id}/json`);
  return {
    ...running(found, state),
    ...processOf(found, state),
    ...limitsOf(member(found, "HostConfig"), state),
    ...filesOf(member(found, "HostConfig"), state),
    ...networkingOf(found),
  };
}

/** A container that has stopped though it must run has its `mustRun` set to false, which shows as a change. */
function running(found: unknown, state: PropertyMap): PropertyMap {
  const now = member(found, "State");
  const settings = member(found, "NetworkSettings");
  const runs = memberTrue(now, "Running");
  const mustRun = trueIn(state, "mustRun");
  const hasPorts = objectsIn(state, "ports").length > 0;
  return {
    ...(hasPorts && (runs || mustRun) ? { ports: portsFromEngine(settings) } : {}),
    ...(runs ? {} : { exitCode: memberNumber(now, "ExitCode") ?? 0 }),
    ...(!runs && mustRun ? { mustRun: false } : {}),
  };
}

function processOf(found: unknown, state: PropertyMap): PropertyMap {
  const config = member(found, "Config");
  const host = member(found, "HostConfig");
  const policy = member(host, "RestartPolicy");
  const byId = textIn(state, "image").startsWith("sha256:");
  return {
    name: (memberText(found, "Name") ?? "").replace(/^\/+/, ""),
    rm: memberTrue(host, "AutoRemove"),
    image: (byId ? memberText(found, "Image") : memberText(config, "Image")) ?? "",
    hostname: memberText(config, "Hostname") ?? "",
    domainname: memberText(config, "Domainname") ?? "",
    command: [...memberTexts(config, "Cmd")],
    entrypoints: [...memberTexts(config, "Entrypoint")],
    user: memberText(config, "User") ?? "",
    workingDir: memberText(config, "WorkingDir") ?? "",
    restart: memberText(policy, "Name") ?? "",
    maxRetryCount: memberNumber(policy, "MaximumRetryCount") ?? 0,
    init: memberTrue(host, "Init"),
    tty: memberTrue(config, "Tty"),
    stdinOpen: memberTrue(config, "OpenStdin"),
    stopSignal: memberText(config, "StopSignal") ?? "",
    stopTimeout: memberNumber(config, "StopTimeout") ?? 0,
    platform: memberText(found, "Platform") ?? "",
    ...healthcheckOf(member(config, "Healthcheck")),
  };
}

function healthcheckOf(check: unknown): PropertyMap {
  if (check === undefined) return {};
  const duration = (name: string) => formatDuration(memberNumber(check, name) ?? 0);
  const healthcheck = {
    tests: [...memberTexts(check, "Test")],
    interval: duration("Interval"),
    timeout: duration("Timeout"),
    startPeriod: duration("StartPeriod"),
    startInterval: duration("StartInterval"),
    retries: memberNumber(check, "Retries") ?? 0,
  };
  return { healthcheck };
}

function limitsOf(host: unknown, state: PropertyMap): PropertyMap {
  const [adds, drops] = [memberTexts(host, "CapAdd"), memberTexts(host, "CapDrop")];
  const nano = memberNumber(host, "NanoCpus") ?? 0;
  return {
    ...(adds.length + drops.length > 0 ? { capabilities: { adds: [...adds], drops: [...drops] } } : {}),
    ...(objectsIn(state, "ulimits").length > 0 ? { ulimits: memberList(host, "Ulimits").map(ulimit) } : {}),
    ...(nano > 0 ? { cpus: decimalCpus(nano) } : {}),
    ...(textIn(state, "pidMode") === "" ? {} : { pidMode: memberText(host, "PidMode") ?? "" }),
    memory: megabytes(host, "Memory"),
    memoryReservation: megabytes(host, "MemoryReservation"),
    memorySwap: megabytes(host, "MemorySwap"),
    shmSize: megabytes(host, "ShmSize"),
    cpuShares: memberNumber(host, "CpuShares") ?? 0,
    cpuSet: memberText(host, "CpusetCpus") ?? "",
    securityOpts: [...memberTexts(host, "SecurityOpt")],
    privileged: memberTrue(host, "Privileged"),
    readOnly: memberTrue(host, "ReadonlyRootfs"),
    publishAllPorts: memberTrue(host, "PublishAllPorts"),
    groupAdds: [...memberTexts(host, "GroupAdd")],
    sysctls: memberTextMap(host, "Sysctls"),
    storageOpts: memberTextMap(host, "StorageOpt"),
    ipcMode: memberText(host, "IpcMode") ?? "",
    usernsMode: memberText(host, "UsernsMode") ?? "",
    runtime: memberText(host, "Runtime") ?? "",
    deviceReadBps: [],
    deviceReadIops: [],
    deviceWriteBps: [],
    deviceWriteIops: [],
  };
}

/** Bytes in mebibytes; negative values mean "no limit" and stay. */
function megabytes(host: unknown, name: string): number {
  const bytes = memberNumber(host, name) ?? 0;
  return bytes > 0 ? Math.floor(bytes / MEBIBYTE) : bytes;
}

/** As helpers.go `nanoInt64ToDecimalString`: "1.0", "0.5", "1.25". */
function decimalCpus(nano: number): string {
  const text = (nano / 1e9).toFixed(9);
  const zeros = text.split("").filter((digit) => digit === "0").length;
  return zeros === 9 ? (nano / 1e9).toFixed(1) : text.replace(/0+$/, "");
}

function ulimit(one: unknown): PropertyMap {
  return {
    name: memberText(one, "Name") ?? "",
    soft: memberNumber(one, "Soft") ?? 0,
    hard: memberNumber(one, "Hard") ?? 0,
  };
}

function filesOf(host: unknown, state: PropertyMap): PropertyMap {
  const log = member(host, "LogConfig");
  return {
    mounts: memberList(host, "Mounts").map((mount) => ({
      type: memberText(mount, "Type") ?? "",
      target: memberText(mount, "Target") ?? "",
      source: memberText(mount, "Source") ?? "",
      readOnly: memberTrue(mount, "ReadOnly"),
      bindOptions: null,
      volumeOptions: null,
      tmpfsOptions: null,
    })),
    tmpfs: memberTextMap(host, "Tmpfs"),
    logDriver: memberText(log, "Type") ?? "",
    logOpts: mapIn(state, "logOpts") === undefined ? {} : memberTextMap(log, "Config"),
  };
}

function networkingOf(found: unknown): PropertyMap {
  const host = member(found, "HostConfig");
  const settings = member(found, "NetworkSettings");
  return {
    bridge: memberText(settings, "Bridge") ?? "",
    networkMode: memberText(host, "NetworkMode") ?? "",
    networkDatas: memberEntries(settings, "Networks").map(networkData),
    dns: [...memberTexts(host, "Dns")],
    dnsOpts: [...memberTexts(host, "DnsOptions")],
    dnsSearches: [...memberTexts(host, "DnsSearch")],
    hosts: memberTexts(host, "ExtraHosts").map((one) => {
      const [name = "", ip = ""] = one.split(":");
      return { host: name, ip };
    }),
  };
}

function networkData([networkName, data]: readonly [string, unknown]): PropertyMap {
  return {
    networkName,
    ipAddress: memberText(data, "IPAddress") ?? "",
    ipPrefixLength: memberNumber(data, "IPPrefixLen") ?? 0,
    gateway: memberText(data, "Gateway") ?? "",
    globalIpv6Address: memberText(data, "GlobalIPv6Address") ?? "",
    globalIpv6PrefixLength: memberNumber(data, "GlobalIPv6PrefixLen") ?? 0,
    ipv6Gateway: memberText(data, "IPv6Gateway") ?? "",
    macAddress: memberText(data, "MacAddress") ?? "",
  };
}
