/** The garden's certificate in each of its four modes, and the order in which it comes to be. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { botDefinitions, stackValues } from "../support/bots.ts";
import { type Planted, recordGarden } from "../support/garden.ts";
import {
  allOf,
  COMMAND,
  CONTAINER,
  canaryOf,
  find,
  isSecret,
  plain,
  type Recorded,
  readableTexts,
} from "../support/recorder.ts";
import { makeCertificate } from "../telegram/certificates.ts";

const publicRoots = readFileSync(
  new URL("../../../components/certificates/lets-encrypt-roots.pem", import.meta.url),
  "utf8",
).trim();
const address = { host: "203.0.113.10", ip: "203.0.113.10" };
const authority = makeCertificate({ cn: "an authority", ca: true });
const leaf = makeCertificate({ cn: "bots.example.com", san: "DNS:bots.example.com", issuer: authority });
const alone = makeCertificate({ cn: "bots.example.com", san: "DNS:bots.example.com" });
const files = { source: "files", chainFile: "fullchain.pem" };

/** A garden with these settings of its certificate. */
async function garden(
  certificate: object,
  planted: Planted = {},
  values: Readonly<Record<string, string>> = stackValues,
): Promise<readonly Recorded[]> {
  const settings = { ...values, certificate: JSON.stringify(certificate), ...planted.values };
  return (await recordGarden({ ...planted, values: settings })).resources;
}

const domainByAcme = () => garden({});
const addressByAcme = () => garden({ source: "acme", email: "me@example.com" }, {}, address);
const addressByOwn = () => garden({}, {}, address);
const domainByOwn = () => garden({ source: "private" });
const ownFiles = (chain = `${leaf.cert}${authority.cert}`, root: string | undefined = authority.cert) =>
  garden(files, {
    ownCertificate: { chain, key: canaryOf("own-key"), ...(root === undefined ? {} : { root }) },
  });
const publicFiles = () => garden(files, { ownCertificate: { chain: leaf.cert, key: canaryOf("own-key") } });

function lineOf(resources: readonly Recorded[], name: string, key: "create" | "delete" = "create"): string {
  return String(plain(find(resources, COMMAND, name).inputs[key])).replace(/ # [0-9a-f]{8}$/, "");
}

function inputOf(resources: readonly Recorded[], name: string): Record<string, unknown> {
  return JSON.parse(String(plain(find(resources, COMMAND, name).inputs.stdin))) as Record<string, unknown>;
}

/** The name of the command that puts something into the certificate's folder that nginx can serve. */
function placing(resources: readonly Recorded[]): string {
  const names = ["certificate-requested", "certificate-installed"];
  return resources.find(({ name }) => names.includes(name))?.name ?? "nothing";
}

/** The certificate's folder on the host. */
function idOf(resources: readonly Recorded[]): string {
  const id = / (?:install|start) ([0-9a-f]{8})\b/.exec(lineOf(resources, placing(resources)))?.[1];
  if (id === undefined) throw new Error("the certificate has no folder");
  return id;
}

function siteOf(resources: readonly Recorded[]): Record<string, unknown> {
  return inputOf(resources, "edge-configuration").site as Record<string, unknown>;
}

/** Everything that must be there before a resource, however far. */
function needsOf(resources: readonly Recorded[], one: Recorded): Set<string> {
  const found = new Set<string>();
  const visit = (resource: Recorded) => {
    for (const needed of [resource.options.dependsOn ?? []].flat()) {
      const other = resources.find((each) => each.resource === needed);
      if (other === undefined || found.has(other.name)) continue;
      found.add(other.name);
      visit(other);
    }
  };
  visit(one);
  return found;
}

describe("a domain by Let's Encrypt", () => {
  test("is asked for with all that certbot needs, and needs no upload", async () => {
    const resources = await domainByAcme();
    const id = idOf(resources);
    expect(inputOf(resources, placing(resources))).toEqual({
      request: {
        id,
        server: "https://acme-v02.api.letsencrypt.org/directory",
        email: null,
        domains: ["bots.example.com"],
        address: null,
        keyType: "ecdsa",
        profile: null,
        authority: null,
      },
    });
    expect(lineOf(resources, "certificate-issued")).toMatch(
      `/opt/botgarden/bin/certificate obtain ${id} bots.example.com 443 certbot-id-o`,
    );
    expect(siteOf(resources)).toMatchObject({ kind: "domain", certificate: id, port: "443", upload: null });
    expect(inputOf(resources, "hello-webhook").certificate).toBeNull();
    expect(resources.filter(({ type }) => type.startsWith("tls:")).map(({ name }) => name)).not.toContain(
      "certificate",
    );
  });

  test("has what the settings say of it", async () => {
    const certificate = {
      email: "me@example.com",
      staging: true,
      extraDomains: ["other.example.com"],
      keyType: "rsa",
      profile: "tlsserver",
      authority: authority.cert,
    };
    const resources = await garden(certificate, { values: { edge: '{"httpsPort":8443}' } });
    expect(inputOf(resources, placing(resources)).request).toMatchObject({
      server: "https://acme-staging-v02.api.letsencrypt.org/directory",
      email: "me@example.com",
      domains: ["bots.example.com", "other.example.com"],
      keyType: "rsa",
      profile: "tlsserver",
      authority: expect.stringContaining("BEGIN CERTIFICATE"),
    });
    expect(lineOf(resources, "certificate-issued")).toContain(" bots.example.com 8443 ");
    expect(siteOf(resources).site).toContain("server_name bots.example.com other.example.com;");
  });

  test("is looked after by a container with nothing that it does not need", async () => {
    const args = plain(find(await domainByAcme(), CONTAINER, "certbot").inputs) as Record<string, unknown>;
    expect(args).toMatchObject({
      name: "botgarden-certbot",
      image: "certbot/certbot:v5.5.0",
      entrypoints: ["/bin/sh", "/garden/certbot-loop"],
      memory: 256,
      memorySwap: 256,
      readOnly: true,
      restart: "unless-stopped",
      securityOpts: ["no-new-privileges:true"],
    });
    expect(args.capabilities).toMatchObject({ drops: ["ALL"] });
    expect(args.ports).toBeUndefined();
    expect(args.volumes).toEqual([
      { hostPath: "/etc/botgarden/certbot", containerPath: "/garden", readOnly: true },
      { hostPath: "/etc/botgarden/certificates", containerPath: "/certificates" },
      { hostPath: "/var/lib/botgarden/acme", containerPath: "/etc/letsencrypt" },
      { hostPath: "/var/lib/botgarden/acme-challenges", containerPath: "/var/www/acme" },
    ]);
    const other = await garden({}, { values: { images: '{"certbot":"certbot/certbot:v4.2.0"}' } });
    expect(plain(find(other, CONTAINER, "certbot").inputs)).toMatchObject({
      image: "certbot/certbot:v4.2.0",
    });
  });

  test("the edge finds certbot's answers where certbot puts them", async () => {
    const resources = await domainByAcme();
    const mounts = (name: string) =>
      (
        plain(find(resources, CONTAINER, name).inputs.volumes) as {
          hostPath: string;
          containerPath: string;
        }[]
      ).filter(({ containerPath }) => containerPath === "/var/www/acme");
    expect(mounts("edge").map(({ hostPath }) => hostPath)).toEqual(
      mounts("certbot").map(({ hostPath }) => hostPath),
    );
  });
});

describe("an address by Let's Encrypt", () => {
  test("is asked for as an address, with the profile for it", async () => {
    const resources = await addressByAcme();
    expect(inputOf(resources, placing(resources)).request).toMatchObject({
      email: "me@example.com",
      domains: [],
      address: "203.0.113.10",
      profile: "shortlived",
    });
    expect(siteOf(resources)).toMatchObject({ kind: "ip", name: "203.0.113.10", upload: null });
    expect(inputOf(resources, "hello-webhook")).toMatchObject({
      certificate: null,
      url: expect.stringContaining("203.0"),
    });
  });
});

describe("an authority of the garden's own", () => {
  test.for([
    { kind: "an address", record: addressByOwn, name: "203.0.113.10" },
    { kind: "a domain", record: domainByOwn, name: "bots.example.com" },
  ])("vouches for $kind in the way that Telegram reads it", async ({ kind, record, name }) => {
    const resources = await record();
    const request = plain(find(resources, "tls:index/certRequest:CertRequest", "certificate-request").inputs);
    const isAddress = kind === "an address";
    expect(request).toMatchObject({
      ...(isAddress ? { ipAddresses: [name], subject: { commonName: name } } : { dnsNames: [name] }),
    });
    // Telegram looks at the common name only if there is no DNS name.
    if (isAddress) expect(request).not.toHaveProperty("dnsNames");
    const signed = plain(
      find(resources, "tls:index/locallySignedCert:LocallySignedCert", "certificate").inputs,
    );
    expect(signed).toMatchObject({ allowedUses: expect.arrayContaining(["server_auth"]) });
  });

  test("is what Telegram gets, with the roots of Let's Encrypt, and not the leaf", async () => {
    const resources = await addressByOwn();
    const upload = `certificate certificate-authority\n${publicRoots}`;
    expect(String(inputOf(resources, "hello-webhook").certificate).trim()).toBe(upload);
    expect(String(siteOf(resources).upload).trim()).toBe(upload);
    expect(lineOf(resources, "hello-webhook")).toMatch(/ set hello [0-9a-f]{12}$/);
    expect(inputOf(resources, placing(resources))).toEqual({
      chain: "certificate certificate",
      key: canaryOf("certificate-key"),
    });
  });

  test("renews its certificates long before their end", async () => {
    const resources = await addressByOwn();
    for (const [type, name] of [
      ["tls:index/selfSignedCert:SelfSignedCert", "certificate-authority"],
      ["tls:index/locallySignedCert:LocallySignedCert", "certificate"],
    ] as const) {
      const args = plain(find(resources, type, name).inputs) as Record<string, number>;
      expect(args.earlyRenewalHours, name).toBeGreaterThanOrEqual(90 * 24);
      expect(args.earlyRenewalHours, name).toBeLessThan(args.validityPeriodHours ?? 0);
    }
  });
});

describe("the operator's own files", () => {
  test("are installed as they are, and their root is uploaded if it vouches for itself", async () => {
    const chain = `${leaf.cert}${authority.cert}`;
    const resources = await ownFiles(chain);
    expect(inputOf(resources, placing(resources))).toEqual({ chain, key: canaryOf("own-key") });
    const upload = String(inputOf(resources, "hello-webhook").certificate);
    expect(upload).toContain(authority.cert.trim());
    expect(upload).toContain(publicRoots);
    expect(upload).not.toContain(leaf.cert.trim());
  });

  test("a certificate that vouches for itself alone is uploaded itself", async () => {
    const upload = inputOf(await ownFiles(alone.cert, alone.cert), "hello-webhook").certificate;
    expect(upload).toContain(alone.cert.trim());
  });

  test("of a public authority are not uploaded", async () => {
    const resources = await publicFiles();
    expect(inputOf(resources, "hello-webhook").certificate).toBeNull();
    expect(siteOf(resources).upload).toBeNull();
  });

  test("with another root are another certificate beside the former, which is served until Telegram knows", async () => {
    const all = [await ownFiles(), await ownFiles(alone.cert, alone.cert), await publicFiles()];
    const ids = all.map(idOf);
    expect(new Set(ids).size).toBe(3);
    const renewed = makeCertificate({
      cn: "bots.example.com",
      san: "DNS:bots.example.com",
      issuer: authority,
    });
    expect(idOf(await ownFiles(`${renewed.cert}${authority.cert}`))).toBe(ids[0]);
  });
});

const modes = { domainByAcme, addressByAcme, addressByOwn, domainByOwn, ownFiles };

describe.for(Object.entries(modes))("in any mode: %s", ([, record]) => {
  test("what is there is offered before the bots are told, and adopted when all are", async () => {
    const resources = await record();
    const offered = find(resources, COMMAND, "edge-offer");
    const adopted = find(resources, COMMAND, "edge-adopt");
    const first = [placing(resources), "edge-configuration", "edge-settle"];
    for (const [index, name] of first.entries()) {
      const needed = needsOf(resources, find(resources, COMMAND, name));
      for (const other of first.slice(0, index)) expect(needed, `${other} before ${name}`).toContain(other);
    }
    expect(needsOf(resources, find(resources, CONTAINER, "edge"))).toContain("edge-configuration");
    expect(lineOf(resources, "edge-settle")).toContain(" settle edge-id");
    for (const name of first) expect(needsOf(resources, offered)).toContain(name);
    for (const bot of Object.keys(botDefinitions)) {
      expect(needsOf(resources, find(resources, COMMAND, `${bot}-release`)), bot).toContain("edge-offer");
    }
    for (const name of ["hello", "shop-bot"]) {
      expect(needsOf(resources, find(resources, COMMAND, `${name}-webhook`)), name).toContain(
        `${name}-release`,
      );
      expect(needsOf(resources, adopted), name).toContain(`${name}-webhook`);
    }
    expect(needsOf(resources, adopted)).toContain("edge-offer");
  });

  test("certbot is there exactly if an ACME server issues, after the edge and before the offer", async () => {
    const resources = await record();
    const acme = record === domainByAcme || record === addressByAcme;
    const names = resources.map(({ name }) => name);
    for (const name of ["certbot", "certificate-issued", "certificate-certbot-image"]) {
      expect(names.includes(name), name).toBe(acme);
    }
    if (!acme) return;
    const issued = needsOf(resources, find(resources, COMMAND, "certificate-issued"));
    for (const name of ["certbot", "edge-settle", placing(resources)]) expect(issued).toContain(name);
    expect(needsOf(resources, find(resources, COMMAND, "edge-offer"))).toContain("certificate-issued");
  });

  test("the edge serves the certificate that is installed, and runs again exactly if it becomes another", async () => {
    const resources = await record();
    const site = siteOf(resources);
    expect(site.certificate).toBe(idOf(resources));
    expect(site.site).toContain(`/etc/nginx/certificates/${idOf(resources)}/current/fullchain.pem`);
    const digest = / offer ([0-9a-f]{8})$/.exec(lineOf(resources, "edge-offer"))?.[1];
    expect(digest).toBeDefined();
    expect(lineOf(resources, "edge-adopt")).toBe(`/opt/botgarden/bin/edge adopt ${digest}`);
    expect(lineOf(await record(), "edge-offer")).toContain(`${digest}`);
  });

  test("no key can be read anywhere", async () => {
    const resources = await record();
    for (const { name, inputs } of resources) {
      const readable = readableTexts(inputs).filter(({ text }) => /canary|PRIVATE KEY/.test(text));
      expect(readable, name).toEqual([]);
    }
    for (const name of [placing(resources), "edge-configuration"]) {
      expect(isSecret(find(resources, COMMAND, name).inputs.stdin), name).toBe(true);
    }
    for (const { name, inputs } of allOf(resources, COMMAND)) {
      for (const key of ["create", "update", "delete"])
        expect(isSecret(inputs[key]), `${name} ${key}`).toBe(false);
    }
  });
});

test("every mode has a certificate of its own, beside the others", async () => {
  const ids: string[] = [];
  for (const record of Object.values(modes)) ids.push(idOf(await record()));
  expect(new Set(ids).size).toBe(ids.length);
  const staging = idOf(await garden({ staging: true }));
  const more = idOf(await garden({ extraDomains: ["other.example.com"] }));
  const rsa = idOf(await garden({ keyType: "rsa" }));
  expect(new Set([...ids, staging, more, rsa]).size).toBe(ids.length + 3);
  // What does not change the certificate leaves it where it is.
  expect(idOf(await garden({ email: "me@example.com" }))).toBe(ids[0]);
});
