/** The edge's configuration as real nginx programs take it. */
import { describe, expect, test } from "vitest";
import type { SiteConfig } from "../../../components/edge/config.ts";
import type { NginxFeatures } from "../../../components/edge/features.ts";
import { type TreeOptions, writeTree } from "../support/edge-tree.ts";
import { type Nginx, nginxVersions, openNginx } from "../support/nginxes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const none: NginxFeatures = { resolvesUpstreams: false, keepaliveMinTimeout: false, http2: false };
const webhook = {
  port: 8080,
  path: "/webhook",
  maxConnections: 40,
  rateLimit: { perSecond: 300, burst: 600 },
};
const routes: NonNullable<TreeOptions["routes"]> = [
  {
    bot: "hello",
    container: "hello-0a1b2c3",
    webhook,
    pages: undefined,
    secrets: ["present", "former", "older"],
  },
  { bot: "shop", container: "shop-1111111", webhook, pages: { path: "/a.b/pay", port: 9000 } },
  {
    bot: "shop-bot",
    container: "shop-bot-4d5e6f7",
    webhook: { ...webhook, path: "/", rateLimit: { perSecond: 10, burst: 20 } },
    pages: undefined,
  },
  { bot: "poller", container: "poller-2222222", webhook: undefined, pages: { path: "/mini", port: 8080 } },
];

describe.for(nginxVersions)("nginx -t of %s", { timeout: 900_000 }, (reference) => {
  async function accepts(options: Partial<TreeOptions> = {}): Promise<{ accepted: boolean; said: string }> {
    const folder = temporaryFolder();
    const nginx = await openNginx(reference, folder);
    const { features, user } = nginx;
    const { config } = await writeTree(folder, { features, user, dns: 53, routes, ...options });
    const { code, stderr } = await nginx.run(["-t", "-q", "-c", config]);
    return { accepted: code === 0, said: stderr };
  }

  async function own(): Promise<Nginx> {
    return openNginx(reference, temporaryFolder());
  }

  test("takes a domain, an address, a page, every route and no route at all, without a warning", async () => {
    const address: Partial<SiteConfig> = { kind: "ip", names: ["203.0.113.10"], httpsPort: 8443 };
    const variants: Partial<TreeOptions>[] = [
      {},
      { routes: [], allowFrom: ["149.154.160.0/20", "91.108.4.0/22", "203.0.113.7"] },
      { site: address, page: "<p>hello</p>" },
      { site: { names: ["bots.example.com", "other.example.com"] }, hsts: "includeSubDomains" },
    ];
    for (const variant of variants) expect(await accepts(variant)).toEqual({ accepted: true, said: "" });
  });

  test("takes the form for old versions", async () => {
    expect(await accepts({ features: none, site: { features: none } })).toEqual({
      accepted: true,
      said: "",
    });
  });

  test("understands each feature exactly if the table of versions says so", async () => {
    const { features } = await own();
    for (const feature of ["resolvesUpstreams", "keepaliveMinTimeout", "http2"] as const) {
      const given = { ...none, [feature]: true };
      const { accepted, said } = await accepts({ features: given, site: { features: given } });
      expect(accepted, `${feature}: ${said}`).toBe(features[feature]);
    }
  });

  test("takes long names of a bot, of its container and of the garden", async () => {
    const bot = `b${"-long".repeat(6)}r`;
    const name = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.example.com`;
    const route = {
      bot,
      container: `${bot}-0a1b2c3`,
      webhook: { ...webhook, rateLimit: { perSecond: 7, burst: 9 } },
    };
    const pages = { path: `/${"p".repeat(199)}`, port: 8080 };
    const long = { routes: [{ ...route, pages }], site: { names: [name] } };
    expect(await accepts(long)).toEqual({ accepted: true, said: "" });
  });

  test("takes a thousand routes", async () => {
    const many = Array.from({ length: 1000 }, (_, index) => {
      const bot = `bot-number-${index}`;
      const rateLimit = { perSecond: 300 - (index % 2), burst: 9 };
      const pages = index % 10 === 0 ? { path: `/pages/${bot}`, port: 8080 } : undefined;
      return { bot, container: `${bot}-0a1b2c3`, webhook: { ...webhook, rateLimit }, pages };
    });
    expect(await accepts({ routes: many })).toEqual({ accepted: true, said: "" });
  });
});
