/** Postgres, the edge and the network, as the settings ask for them. */
import { describe, expect, test } from "vitest";
import { stackValues } from "../support/bots.ts";
import { recordGarden } from "../support/garden.ts";
import { allOf, COMMAND, CONTAINER, find, plain, type Recorded } from "../support/recorder.ts";

/** A garden without bots, from the sample settings with some changed. */
async function core(values: Record<string, string> = {}): Promise<readonly Recorded[]> {
  return (await recordGarden({ values: { ...stackValues, ...values }, definitions: {} })).resources;
}

function inputs(resources: readonly Recorded[], type: string, name: string): Record<string, unknown> {
  return plain(find(resources, type, name).inputs) as Record<string, unknown>;
}

describe("Postgres", () => {
  test("takes its limits from the settings", async () => {
    const args = inputs(
      await core({ postgres: '{"maxConnections":123,"sharedBuffers":"96 MB","memory":"1 GB"}' }),
      CONTAINER,
      "postgres",
    );
    expect(args).toMatchObject({ memory: 1024, memorySwap: 1024 });
    expect(args.command).toEqual(expect.arrayContaining(["max_connections=123", "shared_buffers=96MB"]));
  });

  test("has a port of the host's own address, and only if it is asked for", async () => {
    expect(inputs(await core(), CONTAINER, "postgres").ports).toBeUndefined();
    const args = inputs(await core({ postgres: '{"loopbackPort":15432}' }), CONTAINER, "postgres");
    expect(args.ports).toEqual([{ internal: 5432, external: 15432, ip: "127.0.0.1" }]);
  });

  test.for([
    ["postgres:18.6", "18"],
    ["postgres:18.6-alpine", "18"],
    ["postgres:16.4-bookworm", "16"],
    ["postgres:17", "17"],
    ["registry.example.com:5000/postgres:16.4", "16"],
    ["10.0.0.5:5000/mirror/postgres:18.6", "18"],
    [`postgres:17.2@sha256:${"1".repeat(64)}`, "17"],
    [`postgres@sha256:${"1".repeat(64)}`, "18"],
    ["example/postgres:mine", "18"],
  ])("finds the data of %s again wherever the image comes from", async ([image = "", major = ""]) => {
    const { envs } = inputs(
      await core({ images: JSON.stringify({ postgres: image }) }),
      CONTAINER,
      "postgres",
    );
    expect(envs).toContain(`PGDATA=/var/lib/postgresql/${major}/docker`);
  });

  test("is reached under the name that its certificate has", async () => {
    const resources = await core();
    const request = inputs(resources, "tls:index/certRequest:CertRequest", "postgres-request");
    const container = inputs(resources, CONTAINER, "postgres");
    expect(request.dnsNames).toContain(container.name);
    const { envs } = inputs((await recordGarden()).resources, CONTAINER, "hello") as { envs: string[] };
    expect(envs).toContain(`POSTGRES_HOST=${String(container.name)}`);
  });

  test("renews its certificates long before their end", async () => {
    const resources = await core();
    for (const [type, name] of [
      ["tls:index/selfSignedCert:SelfSignedCert", "postgres-authority"],
      ["tls:index/locallySignedCert:LocallySignedCert", "postgres-certificate"],
    ] as const) {
      const { earlyRenewalHours, validityPeriodHours } = inputs(resources, type, name) as Record<
        string,
        number
      >;
      expect(earlyRenewalHours, name).toBeGreaterThanOrEqual(30 * 24);
      expect(earlyRenewalHours, name).toBeLessThan(validityPeriodHours ?? 0);
    }
  });

  test("starts with its files in place, and is settled when it runs", async () => {
    const resources = await core();
    const before = [find(resources, CONTAINER, "postgres").options.dependsOn].flat();
    expect(before).toContain(find(resources, COMMAND, "postgres-configuration").resource);
    const after = [find(resources, COMMAND, "postgres-settle").options.dependsOn].flat();
    expect(after).toContain(find(resources, CONTAINER, "postgres").resource);
  });
});

describe("the edge", () => {
  test("publishes the ports of the settings", async () => {
    const args = inputs(
      await core({ edge: '{"httpPort":8080,"httpsPort":8443}', certificate: '{"source":"private"}' }),
      CONTAINER,
      "edge",
    );
    expect(args.ports).toEqual([
      { internal: 80, external: 8080 },
      { internal: 443, external: 8443 },
    ]);
  });

  test("gets a configuration that its image understands", async () => {
    const configured = async (nginx: string) => {
      const resources = await core({ images: JSON.stringify({ nginx }) });
      const command = find(resources, COMMAND, "edge-configuration").inputs;
      expect(plain(command.create)).toContain(`edge configure ${nginx} `);
      return configurationOf(resources);
    };
    const old = await configured("nginx:1.25.0");
    expect(JSON.stringify(old)).not.toMatch(/http2|keepalive_min_timeout|resolve\.location/);
    const present = await configured("nginx:1.30.4");
    expect(present.site.site).toMatch(/http2 on;/);
    expect(present.files["nginx.conf"]).toMatch(/keepalive_min_timeout/);
  });

  test("lets in whom the settings say", async () => {
    const networks = async (values: Record<string, string>) => {
      const text = configurationOf(await core(values)).files["nginx.conf"] ?? "";
      const inside = /geo \$is_telegram \{([^}]*)\}/.exec(text)?.[1] ?? "";
      return inside.split("\n").flatMap((line) => line.trim() || []);
    };
    expect(await networks({})).toEqual(["default 0;", "149.154.160.0/20 1;", "91.108.4.0/22 1;"]);
    expect(await networks({ edge: '{"allowFrom":["203.0.113.0/24","198.51.100.7"]}' })).toEqual([
      "default 0;",
      "203.0.113.0/24 1;",
      "198.51.100.7 1;",
    ]);
    expect(await networks({ edge: '{"allowFrom":["any"]}' })).toEqual(["default 1;"]);
  });

  test("has HSTS for a domain unless told otherwise, and never for an address", async () => {
    const people = async (values: Record<string, string>) => {
      const { resources } = await recordGarden({ values, definitions: {} });
      return configurationOf(resources).files["people.conf"];
    };
    const header = "Strict-Transport-Security";
    expect(await people(stackValues)).toContain(`${header} "max-age=63072000" always`);
    const wide = await people({ ...stackValues, edge: '{"hsts":"includeSubDomains"}' });
    expect(wide).toContain(`${header} "max-age=63072000; includeSubDomains" always`);
    expect(await people({ ...stackValues, edge: '{"hsts":"off"}' })).not.toContain(header);
    expect(await people({ host: "203.0.113.10", ip: "203.0.113.10" })).not.toContain(header);
  });

  test("has a static page only if one is given", async () => {
    expect(Object.keys(configurationOf(await core()).files)).not.toContain("page.conf");
    const { resources } = await recordGarden({ definitions: {}, page: "<p>the page</p>" });
    const { files } = configurationOf(resources);
    expect(files).toMatchObject({ "page.conf": expect.any(String), "html/index.html": "<p>the page</p>" });
  });

  test("is not replaced for another certificate or configuration: neither is among its inputs", async () => {
    const one = inputs(await core(), CONTAINER, "edge");
    const values = {
      ...stackValues,
      domain: "other.example.com",
      certificate: '{"source":"private"}',
      edge: '{"hsts":"off","allowFrom":["any"]}',
    };
    const { resources } = await recordGarden({ values, definitions: {}, page: "<p>a page</p>" });
    expect(inputs(resources, CONTAINER, "edge")).toEqual(one);
    expect(one.uploads).toBeUndefined();
  });

  test("stops as nginx stops gently, writes nowhere but to memory", async () => {
    const args = inputs(await core(), CONTAINER, "edge");
    expect(args).toMatchObject({ stopSignal: "SIGQUIT", readOnly: true });
    expect(Object.keys(args.tmpfs as object)).toEqual(expect.arrayContaining(["/run", "/var/cache/nginx"]));
  });
});

describe("the network", () => {
  test("lets no container talk to another but by the garden's rules", async () => {
    const resources = await core({ network: '{"subnet":"10.99.0.0/24"}' });
    const network = inputs(resources, "docker:index/network:Network", "network");
    expect(network).toMatchObject({
      name: "botgarden",
      driver: "bridge",
      options: {
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.name": "botgarden0",
      },
    });
    const [ipam] = network.ipamConfigs as Record<string, string>[];
    expect(ipam).toMatchObject({ subnet: "10.99.0.0/24" });
    const { create } = find(resources, COMMAND, "network-rules").inputs;
    const [edge, postgres] = ["edge", "postgres"].map((name) => {
      const [own] = inputs(resources, CONTAINER, name).networksAdvanced as { ipv4Address: string }[];
      return own?.ipv4Address;
    });
    expect(plain(create)).toMatch(
      new RegExp(`/network apply 10\\.99\\.0\\.0/24 ${edge} ${postgres} 10\\.99\\.0\\.\\d+ # `),
    );
  });

  test("hands out no address that a service has for itself", async () => {
    const resources = await core();
    const [ipam] = inputs(resources, "docker:index/network:Network", "network").ipamConfigs as {
      ipRange: string;
      gateway: string;
    }[];
    const fixed = ["edge", "postgres"].map((name) => {
      const [own] = inputs(resources, CONTAINER, name).networksAdvanced as { ipv4Address: string }[];
      return own?.ipv4Address ?? "";
    });
    expect(new Set([...fixed, ipam?.gateway]).size).toBe(3);
    for (const address of fixed) expect(isInside(address, ipam?.ipRange ?? ""), address).toBe(false);
  });

  test("no container starts before its rules are there", async () => {
    const { resources } = await recordGarden({}, { preview: true });
    // In a preview the rules' id is unknown, and with it the network's name.
    for (const { name, inputs: given } of allOf(resources, CONTAINER)) {
      const [network] = plain(given.networksAdvanced) as { name: unknown }[];
      expect(network?.name, name).not.toBe("botgarden");
    }
  });
});

interface Configuration {
  readonly files: Readonly<Record<string, string>>;
  readonly site: Readonly<Record<string, string>>;
}

/** What the edge is configured with. */
function configurationOf(resources: readonly Recorded[]): Configuration {
  return JSON.parse(
    String(plain(find(resources, COMMAND, "edge-configuration").inputs.stdin)),
  ) as Configuration;
}

function isInside(address: string, range: string): boolean {
  const number = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const [start = "", bits = "32"] = range.split("/");
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(start) / size);
}
