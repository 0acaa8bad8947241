import type * as docker from "@pulumi/docker";

type ContainerArgs = docker.ContainerArgs;

/** What every container of the garden has, whatever runs in it: nothing it does not need, and logs that end. */
export const hardened = {
  restart: "unless-stopped",
  logDriver: "json-file",
  logOpts: { "max-size": "10m", "max-file": "3" },
  securityOpts: ["no-new-privileges:true"],
  networkMode: "bridge",
} satisfies Partial<ContainerArgs>;

/**
 * A memory limit, without swap. Both have to be given: the Docker plugin shows a change on every preview when
 * `memorySwap` is missing, since the engine fills it in.
 *
 * @param megabytes the limit; Docker's `--memory`
 */
export function memoryLimit(megabytes: number): Pick<ContainerArgs, "memory" | "memorySwap"> {
  return { memory: megabytes, memorySwap: megabytes };
}

/** Drops every capability but those named (without `CAP_`; the engine spells them with it when they are read back). */
export function onlyCapabilities(...names: string[]): NonNullable<ContainerArgs["capabilities"]> {
  return { drops: ["ALL"], adds: names.map((name) => `CAP_${name}`) };
}

/** Docker's `--cpus` in the form in which the plugin reads it back (`1.0`), so that a second plan is empty. */
export function cpuCount(cpus: number): string {
  return Number.isInteger(cpus) ? cpus.toFixed(1) : String(cpus);
}
