/** The addresses of the garden's network, all derived from its one setting, the subnet. */
import * as z from "zod";
import { setting } from "./schema.ts";

/** The subnet with its fixed addresses. They are what the edge, the data services and the firewall rules use. */
export interface NetworkSettings {
  /** The whole range, for example `10.213.0.0/20`. */
  readonly subnet: string;
  /**
   * The upper half, from which Docker gives bots their addresses. Without it a bot takes the fixed address of
   * a core container that starts later (seen).
   */
  readonly ipRange: string;
  /** The host's own address in the network, `.1`. */
  readonly gateway: string;
  /** Fixed addresses of the core containers, from `.2` on, all in the lower half. */
  readonly addresses: { readonly edge: string; readonly postgres: string; readonly redis: string };
}

/** The subnet of a garden that says none. */
export const DEFAULT_SUBNET = "10.213.0.0/20";
const ALLOWED =
  "a private IPv4 range of /16 to /24 that starts at its first address and is not Docker's own 172.17.0.0/16";

/** `a.b.c.d/n` as numbers, or undefined if it is anything else. */
function parseRange(text: string): { base: number; prefix: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const numbers = match.slice(1).map(Number);
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = numbers;
  if (Math.max(a, b, c, d) > 255 || prefix > 32) return undefined;
  return { base: ((a * 256 + b) * 256 + c) * 256 + d, prefix };
}

/** What is wrong with a subnet, in words that follow its path, or undefined if it fits. */
export function subnetProblem(text: string): string | undefined {
  const range = parseRange(text);
  if (range === undefined) return "is not an IPv4 range";
  if (range.prefix < 16 || range.prefix > 24) return "has a size that is not allowed";
  if (!isRangeStart(text)) return "doesn't start at its first address";
  if (!PRIVATE.some((home) => within(range, home))) return "is not a private range";
  if (within(range, "172.17.0.0/16")) return "is the range of Docker's default network";
  return undefined;
}

/** True for a range `a.b.c.d/n` that is written with its first address. */
export function isRangeStart(text: string): boolean {
  const range = parseRange(text);
  return range !== undefined && range.base % 2 ** (32 - range.prefix) === 0;
}

/** RFC 1918, section 3. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

function within(range: { base: number; prefix: number }, home: string): boolean {
  const outer = parseRange(home);
  if (outer === undefined || range.prefix < outer.prefix) return false;
  const size = 2 ** (32 - outer.prefix);
  return Math.floor(range.base / size) === Math.floor(outer.base / size);
}

/** All addresses of a subnet that `subnetProblem` has nothing against. */
export function networkOf(subnet: string): NetworkSettings {
  const range = parseRange(subnet);
  if (range === undefined) throw new TypeError(`not a checked subnet: ${subnet}`);
  const address = (offset: number): string => addressText(range.base + offset);
  const upperHalf = 2 ** (31 - range.prefix);
  return {
    subnet,
    ipRange: `${address(upperHalf)}/${range.prefix + 1}`,
    gateway: address(1),
    addresses: { edge: address(2), postgres: address(3), redis: address(4) },
  };
}

function addressText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

const subnetSchema = setting(z.string(), {
  description:
    "The garden's own network on the host. Change it if it overlaps a network that the host must reach; a change replaces the network and every container in it.",
  type: "IPv4 range",
  allowed: ALLOWED,
  example: DEFAULT_SUBNET,
}).check((context) => {
  const problem = subnetProblem(context.value);
  if (problem !== undefined) context.issues.push({ code: "custom", message: problem, input: context.value });
});

/** The stack's section `network`. */
export const networkSchema = z
  .strictObject({ subnet: subnetSchema.prefault(DEFAULT_SUBNET) })
  .transform((section): NetworkSettings => networkOf(section.subnet));
