import { describe, expect, test } from "vitest";
import {
  commonFiles,
  digest,
  type Route,
  renderEdge,
  renderRoute,
  renderSite,
  type SiteConfig,
} from "../../../components/edge/config.ts";
import { featuresOf, type NginxFeatures } from "../../../components/edge/features.ts";

const none: NginxFeatures = { resolvesUpstreams: false, keepaliveMinTimeout: false, http2: false };
const all: NginxFeatures = { resolvesUpstreams: true, keepaliveMinTimeout: true, http2: true };

describe("what an image's nginx understands", () => {
  test.for([
    ["nginx:1.22.1", none],
    ["nginx:1.24", none],
    ["nginx:1.25.0", none],
    ["nginx:1.25.1", { ...none, http2: true }],
    // A tag without the third number is the newest of its line.
    ["nginx:1.25", { ...none, http2: true }],
    ["nginx:1.27.2", { ...none, http2: true }],
    ["nginx:1.27.3", { ...all, keepaliveMinTimeout: false }],
    ["nginx:1.27.4", all],
    ["nginx:1.27", all],
    ["nginx:1.28.0", all],
    ["nginx:1.30.4", all],
    ["nginx:1.30.4-alpine-slim", all],
    ["nginx:2.0.0", all],
    ["registry.example.com:5000/nginx:1.25.4", { ...none, http2: true }],
    ["10.0.0.5:5000/mirror/nginx:1.22.1", none],
    [`nginx:1.22.1@sha256:${"1".repeat(64)}`, none],
    // Nothing tells the version: what the garden uses by default is a safe guess.
    [`nginx@sha256:${"1".repeat(64)}`, all],
    ["nginx:stable-alpine", all],
    ["example/edge:mine", all],
  ] as const)("%s", ([image, features]) => {
    expect(featuresOf(image)).toEqual(features);
  });
});

const gap = /\{\{|\}\}|undefined/;

describe("a route", () => {
  const webhook = {
    port: 9000,
    path: "/updates",
    maxConnections: 40,
    rateLimit: { perSecond: 300, burst: 600 },
  };
  const route: Route = { bot: "shop-bot", container: "shop-bot-0a1b2c3", webhook, pages: undefined };
  const pages = { path: "/pay", port: 9001 };

  test("names the container that has the updates, for whoever looks at the host", () => {
    expect(renderRoute(route)["resolve.upstream.conf"]).toMatch(/^# container: shop-bot-0a1b2c3\n/);
  });

  test("keeps more connections than Telegram may open", () => {
    const kept = (maxConnections: number) => {
      const files = renderRoute({ ...route, webhook: { ...webhook, maxConnections } });
      return Number(/keepalive (\d+);/.exec(files["resolve.upstream.conf"] ?? "")?.[1]);
    };
    for (const connections of [1, 40, 100]) expect(kept(connections)).toBeGreaterThan(connections);
  });

  test("leaves no gap unfilled, in either form", () => {
    for (const variant of [route, { ...route, pages }, { ...route, webhook: undefined, pages }]) {
      for (const text of Object.values(renderRoute(variant))) expect(text).not.toMatch(gap);
    }
  });

  test("has a zone of its own only for a rate of its own", () => {
    const limited = { ...webhook, rateLimit: { perSecond: 10, burst: 20 } };
    expect(renderRoute(route)["rate.conf"]).toBeUndefined();
    expect(renderRoute({ ...route, webhook: limited })["rate.conf"]).toMatch(/rate=10r\/s/);
    // The burst belongs to the route.
    const bursty = { ...webhook, rateLimit: { perSecond: 300, burst: 1 } };
    expect(renderRoute({ ...route, webhook: bursty })["rate.conf"]).toBeUndefined();
  });

  test("has the same names of files in both forms, and those alone that it needs", () => {
    const forms = (variant: Route) => Object.keys(renderRoute(variant)).toSorted();
    const both = ["resolve.location.conf", "resolve.upstream.conf", "variable.location.conf"];
    for (const variant of [route, { ...route, pages }, { ...route, webhook: undefined, pages }]) {
      expect(forms(variant)).toEqual(both);
    }
    expect(forms({ ...route, webhook: undefined })).toEqual([]);
  });

  test("never holds the secret, which a public file must not have", () => {
    for (const text of Object.values(renderRoute(route))) expect(text).not.toMatch(/secret/i);
  });
});

describe("the core", () => {
  const config = { features: all, allowFrom: ["149.154.160.0/20", "203.0.113.7"] };

  test("leaves no gap unfilled", () => {
    for (const features of [none, all]) expect(renderEdge({ ...config, features })).not.toMatch(gap);
    for (const text of Object.values(commonFiles("on", "a page"))) expect(text).not.toMatch(gap);
  });

  test("uses only what nginx understands", () => {
    expect(renderEdge({ ...config, features: none })).not.toMatch(/keepalive_min_timeout|resolve\.upstream/);
    expect(renderEdge(config)).toMatch(/keepalive_min_timeout \d+s;/);
  });

  test("says nothing of the garden's name: that changes apart from it", () => {
    expect(renderEdge(config)).not.toMatch(/server_name |ssl_certificate/);
  });
});

describe("a name", () => {
  const site: SiteConfig = {
    kind: "domain",
    names: ["bots.example.com", "other.example.com"],
    certificate: "0a1b2c3d",
    httpsPort: 443,
    features: all,
  };

  test("leaves no gap unfilled", () => {
    for (const features of [none, all]) {
      for (const kind of ["domain", "ip"] as const) {
        for (const text of Object.values(renderSite({ ...site, kind, features })))
          expect(text).not.toMatch(gap);
      }
    }
  });

  test("has HTTP/2 where nginx understands the directive", () => {
    expect(JSON.stringify(renderSite({ ...site, features: none }))).not.toMatch(/http2/);
    expect(renderSite(site).site).toMatch(/http2 on;/);
  });

  test("leads to another public port than 443", () => {
    expect(renderSite({ ...site, httpsPort: 8443 }).site).toContain("https://$host:8443$request_uri");
    expect(renderSite(site).site).toContain("https://$host$request_uri");
  });
});

test("a digest changes with each of the texts, and with where one ends", () => {
  expect(digest("a", "b")).toMatch(/^[0-9a-f]{8}$/);
  expect(digest("a", "b")).toBe(digest("a", "b"));
  expect(new Set([digest("a", "b"), digest("ab", ""), digest("ab"), digest("b", "a")]).size).toBe(4);
});
