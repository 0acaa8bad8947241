import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { BotRateLimit } from "../../settings/bot.ts";
import type { NginxFeatures } from "./features.ts";

/** The rate of a bot that says none, in updates per second: its bots share one zone of nginx. */
export const DEFAULT_RATE = 300;

export interface EdgeConfig {
  readonly features: NginxFeatures;
  /** Whose requests a webhook takes, as IPv4 addresses or CIDRs. */
  readonly allowFrom: readonly string[];
}

/** The edge's `nginx.conf`: what is the same under every name. */
export function renderEdge({ features, allowFrom }: EdgeConfig): string {
  return fill("nginx.conf", {
    form: formOf(features),
    // Clients that just sent a request get the time to send the next before a reload closes their connection; the gate of
    // a release watches it for as long anyway.
    keepaliveMinTimeout: features.keepaliveMinTimeout ? "keepalive_min_timeout 5s;" : "",
    allowFrom: allowed(allowFrom),
    rate: String(DEFAULT_RATE),
  });
}

/** The lines of `geo`, to which the whole of IPv4 is the default and not a network. */
function allowed(networks: readonly string[]): string {
  const all = networks.includes("0.0.0.0/0");
  const lines = [
    `default ${all ? 1 : 0};`,
    ...networks.filter((one) => one !== "0.0.0.0/0").map((one) => `${one} 1;`),
  ];
  return lines.map((line) => `        ${line}`).join("\n");
}

/** Under which name the garden is reached, and with which certificate. */
export interface SiteConfig {
  readonly kind: "domain" | "ip";
  /** The public name first, then further domains. */
  readonly names: readonly string[];
  /** The folder of the certificate, see components/certificates. */
  readonly certificate: string;
  /** The public port of HTTPS. */
  readonly httpsPort: number;
  readonly features: NginxFeatures;
}

/** The files of the tree that belong to a name; they change together. */
export interface Site {
  readonly site: string;
  readonly default: string;
}

/** Renders the servers of a name. */
export function renderSite(config: SiteConfig): Site {
  const values = {
    form: formOf(config.features),
    names: config.names.join(" "),
    publicPort: config.httpsPort === 443 ? "" : `:${config.httpsPort}`,
    certificate: config.certificate,
    http2: config.features.http2 ? "http2 on;" : "",
  };
  return { site: fill("site.conf", values), default: fill(`default-${config.kind}.conf`, values) };
}

/** What browsers are told to remember about HTTPS; Telegram does not care. */
export type Hsts = "on" | "off" | "includeSubDomains";

/** The files of the tree that are the same for all names, by their names there. */
export function commonFiles(hsts: Hsts, page: string | undefined): Record<string, string> {
  const value = `max-age=63072000${hsts === "includeSubDomains" ? "; includeSubDomains" : ""}`;
  return {
    "proxy-headers.conf": fill("proxy-headers.conf", {}),
    "challenges.conf": fill("challenges.conf", {}),
    "people.conf": fill("people.conf", {
      hsts: hsts === "off" ? "" : `add_header Strict-Transport-Security "${value}" always;`,
    }),
    ...(page === undefined ? {} : { "page.conf": fill("page.conf", {}), "html/index.html": page }),
  };
}

export interface Route {
  readonly bot: string;
  /** The container of the release that gets the updates. */
  readonly container: string;
  /** Undefined for a bot that polls and only has pages. */
  readonly webhook:
    | {
        readonly port: number;
        /** The path at which the bot takes updates. */
        readonly path: string;
        /** The number of connections that Telegram may open for this bot. */
        readonly maxConnections: number;
        readonly rateLimit: BotRateLimit;
      }
    | undefined;
  /** The bot's own pages, for people. */
  readonly pages: { readonly path: string; readonly port: number } | undefined;
}

/**
 * A bot's files, by the end of their names. Both forms are always there, so that another version of nginx is a change of
 * the core's configuration alone; `nginx.conf` and `site.conf` include one of them.
 */
export type RouteFiles = Readonly<Record<string, string>>;

/** Renders a bot's files. */
export function renderRoute(route: Route): RouteFiles {
  const { bot, container, webhook, pages } = route;
  const variable = bot.replaceAll("-", "_");
  // Seconds for which an address is believed: a container that is started again may have another.
  const valid = String(10 + (Number.parseInt(digest(bot), 16) % 11));
  const common = { bot, container, variable, valid };
  const files = new Map<string, string[]>();
  const add = (file: string, template: string, values: Record<string, string>) =>
    files.set(file, [...(files.get(file) ?? []), fill(`routes/${template}`, { ...common, ...values })]);

  if (webhook !== undefined) {
    const { perSecond, burst } = webhook.rateLimit;
    const values = {
      port: String(webhook.port),
      path: webhook.path,
      keepalive: String(webhook.maxConnections + 8),
      zone: perSecond === DEFAULT_RATE ? "webhooks" : `rate_${common.variable}`,
      burst: String(burst),
      perSecond: String(perSecond),
    };
    add("resolve.upstream.conf", "resolve.upstream.conf", values);
    for (const form of ["resolve", "variable"]) {
      add(`${form}.location.conf`, `${form}.location.conf`, values);
    }
    if (values.zone !== "webhooks") add("rate.conf", "rate.conf", values);
  }
  if (pages !== undefined) {
    const values = { pagesPath: pages.path.replaceAll(".", "\\."), pagesPort: String(pages.port) };
    add("resolve.upstream.conf", "resolve.pages.upstream.conf", values);
    for (const form of ["resolve", "variable"]) {
      add(`${form}.location.conf`, `${form}.pages.location.conf`, values);
    }
  }
  return Object.fromEntries([...files].map(([file, texts]) => [file, texts.join("\n")]));
}

/** Eight hex digits that change with any of the texts: the name of a state of the edge in commands. */
export function digest(...texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 8);
}

function formOf(features: NginxFeatures): "resolve" | "variable" {
  return features.resolvesUpstreams ? "resolve" : "variable";
}

function fill(file: string, values: Record<string, string>): string {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${file} asks for {{${key}}}`);
    return value;
  });
}
