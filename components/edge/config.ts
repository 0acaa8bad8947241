import { readFileSync } from "node:fs";

/** What of nginx's configuration language an image understands. */
export interface NginxFeatures {
  /** `server NAME resolve` inside `upstream`: 1.27.3, nginx.org/en/docs/http/ngx_http_upstream_module.html. */
  readonly resolvesUpstreams: boolean;
  /** `keepalive_min_timeout`: 1.27.4, nginx.org/en/docs/http/ngx_http_core_module.html. */
  readonly keepaliveMinTimeout: boolean;
  /** `http2 on`: 1.25.1, nginx.org/en/docs/http/ngx_http_v2_module.html. */
  readonly http2: boolean;
}

/** Reads the version from an image's tag; a tag without one (a digest, a name) counts as current. */
export function featuresOf(image: string): NginxFeatures {
  const found = /:(\d+)\.(\d+)(?:\.(\d+))?/.exec(image.replace(/@.*$/, ""));
  const version = found === null ? [999, 0, 0] : [found[1], found[2], found[3] ?? "999"].map(Number);
  const since = (...wanted: number[]) => {
    for (const [index, part] of wanted.entries()) {
      const have = version[index] ?? 0;
      if (have !== part) return have > part;
    }
    return true;
  };
  return {
    resolvesUpstreams: since(1, 27, 3),
    keepaliveMinTimeout: since(1, 27, 4),
    http2: since(1, 25, 1),
  };
}

export interface EdgeConfig {
  /** The public name or address, as in webhook URLs. */
  readonly name: string;
  /** The public port of HTTPS. */
  readonly httpsPort: number;
  readonly features: NginxFeatures;
}

/** The edge's `nginx.conf`. */
export function renderEdge(config: EdgeConfig): string {
  const { features } = config;
  return fill("nginx.conf", {
    form: features.resolvesUpstreams ? "resolve" : "variable",
    name: config.name,
    publicPort: config.httpsPort === 443 ? "" : `:${config.httpsPort}`,
    // Clients that just sent a request get the time to send the next before a reload closes their connection.
    keepaliveMinTimeout: features.keepaliveMinTimeout ? "keepalive_min_timeout 2s;" : "",
    http2: features.http2 ? "http2 on;" : "",
  });
}

export interface Route {
  readonly bot: string;
  /** The container of the release that gets the updates. */
  readonly container: string;
  readonly port: number;
  /** The path at which the bot takes updates. */
  readonly path: string;
  /** The number of connections that Telegram may open for this bot. */
  readonly maxConnections: number;
}

/**
 * A bot's files, by the end of their names. Both forms are always there, so that another version of nginx is a change of
 * the core's configuration alone; `nginx.conf` includes one of them.
 */
export type RouteFiles = Readonly<Record<(typeof routeFiles)[number], string>>;

const routeFiles = ["resolve.upstream.conf", "resolve.location.conf", "variable.location.conf"] as const;

/** Renders a bot's files. */
export function renderRoute(route: Route): RouteFiles {
  const values = {
    bot: route.bot,
    variable: route.bot.replaceAll("-", "_"),
    container: route.container,
    port: String(route.port),
    path: route.path,
    keepalive: String(Math.max(128, route.maxConnections)),
  };
  const entries = routeFiles.map((file) => [file, fill(`routes/${file}`, values)] as const);
  return Object.fromEntries(entries) as RouteFiles;
}

function fill(file: string, values: Record<string, string>): string {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${file} asks for {{${key}}}`);
    return value;
  });
}
