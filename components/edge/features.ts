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
