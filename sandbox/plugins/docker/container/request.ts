/**
 * The body of `POST /containers/create` from a container's inputs.
 *
 * Source: terraform-provider-docker v4.5.0, resource_docker_container_funcs.go `resourceDockerContainerCreate`, and
 * docker's client for what it changes on the way (docker/docker v28.5.2 client/container_create.go).
 */
import type { PropertyMap } from "../../framework/values.ts";
import { isOlder } from "../engine/client.ts";
import { labelsToMap } from "../resources/labels.ts";
import { parseDuration } from "./durations.ts";
import { mapIn, numberIn, objectIn, objectsIn, setIn, textIn, textsIn, trueIn } from "./inputs.ts";
import { portsToRequest } from "./ports.ts";

const MEBIBYTE = 1024 * 1024;
const MAX_NANO_CPUS = 1e9;

/** A JSON object; members that are undefined are not sent. */
type Json = Readonly<Record<string, unknown>>;

/**
 * The request's body.
 *
 * @param api the engine's API version
 * @throws Error in the official wording for what can't be asked of the engine
 */
export function createRequest(inputs: PropertyMap, api: string): Json {
  const { exposed, bindings } = portsToRequest(objectsIn(inputs, "ports"));
  const volumes = volumesToRequest(objectsIn(inputs, "volumes"));
  const command = textsIn(inputs, "command");
  if (command.includes("")) throw new Error("values for command may not be empty");
  return {
    Image: textIn(inputs, "image"),
    Hostname: textIn(inputs, "hostname"),
    Domainname: textIn(inputs, "domainname"),
    Tty: trueIn(inputs, "tty"),
    OpenStdin: trueIn(inputs, "stdinOpen"),
    StopSignal: given(textIn(inputs, "stopSignal")),
    StopTimeout: given(numberIn(inputs, "stopTimeout")),
    Env: given(setIn(inputs, "envs")),
    Cmd: given(command),
    Entrypoint: given(textsIn(inputs, "entrypoints")),
    User: textIn(inputs, "user"),
    WorkingDir: textIn(inputs, "workingDir"),
    ExposedPorts: given(exposed),
    Volumes: given(volumes.paths),
    Labels: given(labelsToMap(inputs.labels)),
    Healthcheck: healthcheck(objectIn(inputs, "healthcheck"), api),
    HostConfig: {
      ...hostConfig(inputs),
      PortBindings: given(bindings),
      Binds: given(volumes.binds),
      VolumesFrom: given(volumes.from),
    },
    NetworkingConfig: {},
  };
}

/** Undefined for "", 0 and empty collections. */
function given<T extends string | number | object>(value: T): T | undefined {
  if (typeof value === "object") return Object.keys(value).length === 0 ? undefined : value;
  return value === "" || value === 0 ? undefined : value;
}

function hostConfig(inputs: PropertyMap): Json {
  const security = setIn(inputs, "securityOpts");
  const unconfined = security.includes("systempaths=unconfined");
  const capabilities = objectIn(inputs, "capabilities");
  return {
    Privileged: trueIn(inputs, "privileged"),
    PublishAllPorts: trueIn(inputs, "publishAllPorts"),
    RestartPolicy: { Name: textIn(inputs, "restart"), MaximumRetryCount: numberIn(inputs, "maxRetryCount") },
    Runtime: given(textIn(inputs, "runtime")),
    Mounts: given(mounts(objectsIn(inputs, "mounts"))),
    AutoRemove: trueIn(inputs, "rm"),
    ReadonlyRootfs: trueIn(inputs, "readOnly"),
    LogConfig: { Type: textIn(inputs, "logDriver"), Config: mapIn(inputs, "logOpts") },
    Tmpfs: mapIn(inputs, "tmpfs"),
    ExtraHosts: given(objectsIn(inputs, "hosts").map((one) => `${textIn(one, "host")}:${textIn(one, "ip")}`)),
    Ulimits: given(objectsIn(inputs, "ulimits").map(ulimit)),
    CapAdd: capabilityNames(setIn(capabilities ?? {}, "adds")),
    CapDrop: capabilityNames(setIn(capabilities ?? {}, "drops")),
    Dns: given(setIn(inputs, "dns")),
    DnsOptions: given(setIn(inputs, "dnsOpts")),
    DnsSearch: given(setIn(inputs, "dnsSearches")),
    SecurityOpt: given(security.filter((option) => option !== "systempaths=unconfined")),
    // `systempaths=unconfined` is docker's client's own: the engine wants two empty lists for it.
    ...(unconfined ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    ...resources(inputs),
    NetworkMode: textIn(inputs, "networkMode"),
    UsernsMode: given(textIn(inputs, "usernsMode")),
    PidMode: given(textIn(inputs, "pidMode")),
    IpcMode: given(textIn(inputs, "ipcMode")),
    CgroupnsMode: given(textIn(inputs, "cgroupnsMode")),
    CgroupParent: given(textIn(inputs, "cgroupParent")),
    Sysctls: mapIn(inputs, "sysctls"),
    GroupAdd: given(setIn(inputs, "groupAdds")),
    Init: trueIn(inputs, "init"),
    StorageOpt: mapIn(inputs, "storageOpts"),
  };
}

function resources(inputs: PropertyMap): Json {
  const cpus = textIn(inputs, "cpus");
  return {
    Memory: given(numberIn(inputs, "memory") * MEBIBYTE),
    MemoryReservation: given(numberIn(inputs, "memoryReservation") * MEBIBYTE),
    MemorySwap: given(swapBytes(numberIn(inputs, "memorySwap"))),
    ShmSize: given(numberIn(inputs, "shmSize") * MEBIBYTE),
    CpuShares: given(numberIn(inputs, "cpuShares")),
    CpusetCpus: given(textIn(inputs, "cpuSet")),
    ...(cpus === ""
      ? { CpuPeriod: given(numberIn(inputs, "cpuPeriod")), CpuQuota: given(numberIn(inputs, "cpuQuota")) }
      : { NanoCpus: nanoCpus(cpus) }),
  };
}

/** Mebibytes to bytes; -1, no limit, stays. */
export function swapBytes(megabytes: number): number {
  return megabytes > 0 ? megabytes * MEBIBYTE : megabytes;
}

function nanoCpus(cpus: string): number {
  const nano = Number(cpus) * MAX_NANO_CPUS;
  if (Number.isNaN(nano)) throw new Error(`Error setting cpus: failed to parse ${cpus} as a rational number`);
  if (Math.abs(nano - Math.round(nano)) > 1e-3) throw new Error("Error setting cpus: value is too precise");
  return Math.round(nano);
}

/** Docker's client spells capabilities in full, in order, each once. */
function capabilityNames(names: readonly string[]): readonly string[] | undefined {
  const full = names.map((name) => {
    const upper = name.toUpperCase();
    return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  });
  return given([...new Set(full)].sort());
}

function ulimit(one: PropertyMap): Json {
  return { Name: textIn(one, "name"), Soft: numberIn(one, "soft"), Hard: numberIn(one, "hard") };
}

function mounts(given: readonly PropertyMap[]): readonly Json[] {
  return given.map((one) => ({
    Type: textIn(one, "type"),
    Target: textIn(one, "target"),
    Source: textIn(one, "source") === "" ? undefined : textIn(one, "source"),
    ReadOnly: trueIn(one, "readOnly") ? true : undefined,
  }));
}

function volumesToRequest(volumes: readonly PropertyMap[]) {
  const paths: Record<string, object> = {};
  const binds: string[] = [];
  const from: string[] = [];
  for (const one of volumes) {
    const [container, path] = [textIn(one, "fromContainer"), textIn(one, "containerPath")];
    const source = textIn(one, "hostPath") || textIn(one, "volumeName");
    if (container === "" && path === "") {
      throw new Error("Unable to parse volumes: volume entry without container path or source container");
    }
    if (container !== "" && path !== "") {
      throw new Error("Unable to parse volumes: both a container and a path specified in a volume entry");
    }
    if (container !== "") {
      from.push(container);
      continue;
    }
    paths[path] = {};
    const relabel = textIn(one, "selinuxRelabel");
    const mode = `${trueIn(one, "readOnly") ? "ro" : "rw"}${relabel === "" ? "" : `,${relabel}`}`;
    if (source !== "") binds.push(`${source}:${path}:${mode}`);
  }
  return { paths, binds, from };
}

function healthcheck(given: PropertyMap | undefined, api: string): Json | undefined {
  if (given === undefined) return undefined;
  const nanoseconds = (name: string) => parseDuration(textIn(given, name)) ?? 0;
  const startInterval = nanoseconds("startInterval");
  if (startInterval !== 0 && isOlder(api, "1.44")) {
    throw new Error(
      `Unable to create container: "specify health-check start interval" requires API version 1.44, but the Docker daemon API version is ${api}`,
    );
  }
  return {
    Test: textsIn(given, "tests"),
    Interval: nanoseconds("interval"),
    Timeout: nanoseconds("timeout"),
    StartPeriod: nanoseconds("startPeriod"),
    ...(startInterval === 0 ? {} : { StartInterval: startInterval }),
    Retries: numberIn(given, "retries"),
  };
}
