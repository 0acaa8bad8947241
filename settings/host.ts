/** How to reach the host: one address, an optional pinned key, an optional key file. */
import { isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import { filePathSchema } from "./file-path.ts";
import { setting } from "./schema.ts";

/** The host: over SSH, or the machine's own Docker. */
export type HostSettings =
  | {
      readonly kind: "ssh";
      readonly user: string;
      /** IPv4, IPv6 (without brackets), DNS name or an alias of the operator's SSH configuration. */
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: "local" };

const USER = /^[a-z_][a-z0-9_.-]{0,31}$/i;
// An alias may hold underscores, a DNS name may not; both start with a letter or digit, never with "-",
// which ssh would take for an option.
const NAME = /^[a-z0-9](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9](?:[a-z0-9_-]{0,62}))*$/i;
const ADDRESS = /^(?:([^@]*)@)?(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/;

/** Parses `[user@]address[:port]` or `local`; a string says what is wrong, in words that follow the path. */
export function parseHost(text: string): HostSettings | string {
  if (text === "local") return { kind: "local" };
  const match = ADDRESS.exec(text);
  if (match === null) {
    return isIPv6(text.replace(/^[^@]*@/, "")) ? "is an IPv6 address without brackets" : "is not an address";
  }
  const [, user = "root", ipv6, name = "", portText = "22"] = match;
  if (!USER.test(user)) return "has a user name that is not allowed";
  if (ipv6 !== undefined && !isIPv6(ipv6)) return "has something else than an IPv6 address in brackets";
  if (ipv6 === undefined && !isIPv4(name)) {
    if (!NAME.test(name) || name.length > 253) return "is not an address";
    if (/^[\d.]+$/.test(name)) return "is not a valid IPv4 address";
  }
  const port = Number(portText);
  if (port < 1 || port > 65535) return "has a port that is not allowed";
  return { kind: "ssh", user, address: ipv6 ?? name, port };
}

/** `host` */
export const hostSchema = setting(z.string(), {
  description:
    "The host over SSH, with your own ssh program, its agent and configuration; or `local` for this machine's own Docker. User `root` and port 22 unless given; IPv6 in brackets; a name may be an alias of your SSH configuration. A change means another host: destroy the stack first.",
  type: "address",
  allowed: '"[user@]address[:port]" or "local"',
  example: "root@203.0.113.5",
}).transform((value, context): HostSettings => {
  const host = parseHost(value);
  if (typeof host !== "string") return host;
  context.addIssue({ code: "custom", message: host, input: value });
  return z.NEVER;
});

const KEY =
  /^(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) (AAAA[A-Za-z0-9+/]{40,}={0,3})(?: [^\r\n]*)?$/;

/** `hostKey`: the type and the key; the comment at its end is dropped. */
export const hostKeySchema = setting(z.string(), {
  description:
    "The host's public key, pinned: the line of /etc/ssh/ssh_host_ed25519_key.pub on the host. Without it the key must be in your known_hosts.",
  type: "public key",
  allowed: 'a public SSH key, "ssh-ed25519 AAAA…" (or ecdsa-sha2-nistp256, 384, 521, or ssh-rsa)',
  example: "ssh-ed25519 AAAA…",
}).transform((value, context): string => {
  const match = KEY.exec(value.trim());
  if (match?.[1] !== undefined && match[2] !== undefined && namesItsType(match[1], match[2])) {
    return `${match[1]} ${match[2]}`;
  }
  context.addIssue({ code: "custom", message: "is not a public key", input: value });
  return z.NEVER;
});

/** A public key repeats its type inside, after a length of four bytes (RFC 4253, section 6.6). */
function namesItsType(type: string, key: string): boolean {
  const bytes = Buffer.from(key, "base64");
  return bytes.readUInt32BE(0) === type.length && bytes.subarray(4, 4 + type.length).toString() === type;
}

/** `identityFile` */
export const identityFileSchema = filePathSchema({
  description:
    "The path of your private SSH key, `~/` at its start is your home. Without it your agent and SSH configuration decide.",
  allowed: "the path of a private key's file, not the key itself",
  example: "~/.ssh/id_ed25519",
});
