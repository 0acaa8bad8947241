import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import { WebhookRefused } from "../errors.ts";

/** The ports that Telegram delivers to (core.telegram.org/bots/webhooks). */
const PORTS = [443, 80, 88, 8443];

/** Where a webhook is. */
export interface Target {
  /** A lower-case ASCII name, or an address. */
  host: string;
  port: number;
  /** Path and query. */
  path: string;
  /** The Host header: with the port unless it is 443. */
  hostHeader: string;
  /** The Authorization header, for a URL with user and password. */
  authorization?: string;
}

/**
 * Reads a webhook's URL; "https://" may be left out.
 * @returns undefined when it is no URL at all ("invalid webhook URL specified")
 * @throws WebhookRefused for another scheme than https and for a port that Telegram doesn't use
 */
export function parseTarget(text: string): Target | undefined {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!/^https?:\/\//i.test(full) || !URL.canParse(full)) return undefined;
  const url = new URL(full);
  if (url.protocol !== "https:") throw new WebhookRefused("An HTTPS URL must be provided for webhook");
  const port = url.port === "" ? 443 : Number(url.port);
  if (!PORTS.includes(port)) {
    throw new WebhookRefused("Webhook can be set up only on ports 80, 88, 443 or 8443");
  }
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : domainToASCII(url.hostname);
  if (host === "") return undefined;
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host,
    port,
    path: url.pathname + url.search,
    hostHeader: url.host,
    ...(user === ":" ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
  };
}

/** Whether updates may go to this address. Private ones are allowed: the sandbox's hosts have no others. */
export function checkAddress(address: string): void {
  if (isIP(address) === 0) throw new WebhookRefused("Invalid IP address specified");
  if (!isIPv4(address)) throw new WebhookRefused("IPv6-only addresses are not allowed");
}

/** Gives the IPv4 address of a name, or rejects. */
export type Lookup = (host: string) => Promise<string>;

/** Asks the machine's own resolver. */
export const systemLookup: Lookup = async (host) => (await lookup(host, { family: 4 })).address;

/** Finds addresses in the sandbox's own table first, then by a look-up; IPv4 only. */
export class Resolver {
  hosts: Record<string, string>;
  #lookup: Lookup;

  /** @param hosts - addresses by lower-case name */
  constructor(hosts: Record<string, string>, ask: Lookup = systemLookup) {
    this.hosts = hosts;
    this.#lookup = ask;
  }

  /** @throws WebhookRefused when there is no IPv4 address */
  async resolve(host: string): Promise<string> {
    const address = isIP(host) === 0 ? (this.hosts[host] ?? (await this.#ask(host))) : host;
    checkAddress(address);
    return address;
  }

  async #ask(host: string): Promise<string> {
    try {
      return await this.#lookup(host);
    } catch {
      throw new WebhookRefused("Failed to resolve host: Name or service not known");
    }
  }
}
