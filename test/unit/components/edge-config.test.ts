import { describe, expect, test } from "vitest";
import { featuresOf, type NginxFeatures, renderEdge, renderRoute } from "../../../components/edge/config.ts";

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

describe("a route", () => {
  const route = {
    bot: "shop-bot",
    container: "shop-bot-0a1b2c3",
    port: 9000,
    path: "/updates",
    maxConnections: 40,
  };

  test("names the container that has the updates, for whoever looks at the host", () => {
    expect(renderRoute(route)["resolve.upstream.conf"]).toMatch(/^# container: shop-bot-0a1b2c3\n/);
  });

  test("keeps more connections than Telegram may open", () => {
    const kept = (maxConnections: number) =>
      Number(
        /keepalive (\d+);/.exec(renderRoute({ ...route, maxConnections })["resolve.upstream.conf"])?.[1],
      );
    for (const connections of [1, 40, 100]) expect(kept(connections)).toBeGreaterThan(connections);
  });

  test("leaves no gap unfilled, in either form", () => {
    for (const text of Object.values(renderRoute(route))) expect(text).not.toMatch(/\{\{|\}\}|undefined/);
  });
});

describe("the core", () => {
  const config = { name: "bots.example.com", httpsPort: 443, features: all };

  test("leaves no gap unfilled", () => {
    for (const features of [none, all])
      expect(renderEdge({ ...config, features })).not.toMatch(/\{\{|\}\}|undefined/);
  });

  test("uses only what nginx understands", () => {
    const old = renderEdge({ ...config, features: none });
    expect(old).not.toMatch(/http2|keepalive_min_timeout/);
    expect(renderEdge(config)).toMatch(/http2 on;[\s\S]*/);
    expect(renderEdge(config)).toMatch(/keepalive_min_timeout \d+s;/);
  });
});
