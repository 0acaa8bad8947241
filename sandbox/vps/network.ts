/** The sandbox's own Docker network, which plays the internet between operator and host. */
import { networkInterfaces } from "node:os";
import { DEFAULT_SUBNET } from "../../settings/network.ts";
import {
  docker,
  dockerInspect,
  dockerLines,
  dockerOrNothing,
  ProgramError,
  sandboxLabel,
} from "../engine/docker.ts";

/** A sandbox's network. */
export interface Network {
  name: string;
  /** As CIDR: "10.213.7.0/24". */
  subnet: string;
  /** The operator's address in it: servers of the sandbox listen here, and hosts reach them. */
  gateway: string;
}

/** The name of a sandbox's network. */
export function networkName(sandboxId: string): string {
  return `botgarden-${sandboxId}`;
}

/**
 * Makes the network of a sandbox, or finds it. Its subnet is a /24 of 10.192.0.0/11, chosen from the sandbox's
 * id; one that the machine or another network uses is passed over. The bridge has the name `bg-<id>`.
 *
 * Its MTU stays at 1500, as on a VPS. With a smaller one, engines inside a host gave their containers 1500 all
 * the same, and the first TLS connection to an outside server hung until the path was learned.
 */
export async function ensureNetwork(sandboxId: string): Promise<Network> {
  const found = await findNetwork(sandboxId);
  if (found) return found;
  const name = networkName(sandboxId);
  // A host must not be in the network that its own garden will make.
  const taken = [DEFAULT_SUBNET, ...(await takenSubnets())];
  for (const prefix of candidates(sandboxId)) {
    if (taken.some((text) => overlaps(text, prefix))) continue;
    const network = { name, subnet: `${prefix}.0/24`, gateway: `${prefix}.1` };
    const options = [
      "--label",
      sandboxLabel(sandboxId),
      "--subnet",
      network.subnet,
      "--gateway",
      network.gateway,
    ];
    const bridge = ["--opt", `com.docker.network.bridge.name=bg-${sandboxId}`];
    try {
      await docker(["network", "create", ...options, ...bridge, name]);
      return network;
    } catch (error) {
      const other = await findNetwork(sandboxId);
      if (other) return other;
      // Another sandbox was faster with this subnet: try the next.
      if (!(error instanceof ProgramError) || !/overlap/i.test(error.output)) throw error;
    }
  }
  throw new Error("no free subnet for the sandbox's network among 10.192.0.0/11");
}

/** The network of a sandbox, if it is there. */
export async function findNetwork(sandboxId: string): Promise<Network | undefined> {
  const name = networkName(sandboxId);
  const format = "{{with index .IPAM.Config 0}}{{.Subnet}} {{.Gateway}}{{end}}";
  const text = await dockerOrNothing(["network", "inspect", "--format", format, name]);
  const [subnet, gateway] = text?.split(" ") ?? [];
  return subnet && gateway ? { name, subnet, gateway } : undefined;
}

/** All /24 of 10.192.0.0/11, in an order that starts where the id says. */
function* candidates(sandboxId: string): Generator<string> {
  const count = 32 * 256;
  const start = Number.parseInt(sandboxId, 36) % count;
  for (let step = 0; step < count; step += 1) {
    const index = (start + step) % count;
    yield `10.${192 + (index >> 8)}.${index & 255}`;
  }
}

/** Subnets of all Docker networks and addresses of this machine, as CIDR. */
async function takenSubnets(): Promise<string[]> {
  const ids = await dockerLines(["network", "ls", "--quiet"]);
  const format = "{{range .IPAM.Config}}{{.Subnet}} {{end}}";
  const subnets = await dockerInspect(["network", "inspect", "--format", format, ...ids]);
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = own.filter(({ family }) => family === "IPv4").map(({ cidr }) => cidr ?? "");
  return [...subnets.split(/\s+/), ...addresses].filter((text) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text));
}

/** True when an IPv4 CIDR and the /24 of that prefix share an address. */
export function overlaps(cidr: string, prefix: string): boolean {
  const [address = "", length = "32"] = cidr.split("/");
  const bits = Math.min(Number(length), 24);
  const shift = 2 ** (32 - bits);
  return Math.floor(toNumber(address) / shift) === Math.floor(toNumber(`${prefix}.0`) / shift);
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
