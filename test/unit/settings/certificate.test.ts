/** The sections `certificate` and `edge`: what they become, and every rule within and between them. */
import { generateKeyPairSync } from "node:crypto";
import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import { parseStack, type StackSettings } from "../../../settings/stack.ts";
import { faultLines } from "../support/faults.ts";

type Sections = Readonly<Record<string, object | undefined>>;

const [oneRoot = "", otherRoot = ""] = rootCertificates;
const { privateKey } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

function rawOf(kind: "domain" | "ip", sections: Sections): Record<string, string> {
  const name = kind === "domain" ? { domain: "bots.example.com" } : { ip: "203.0.113.5" };
  const texts = Object.entries(sections).map(([key, section]) => [key, JSON.stringify(section)]);
  return { host: "local", ...name, ...Object.fromEntries(texts) };
}

function parse(kind: "domain" | "ip", sections: Sections = {}): StackSettings {
  return parseStack(rawOf(kind, sections));
}

function faultsOf(kind: "domain" | "ip", sections: Sections, secretKeys?: ReadonlySet<string>): string[] {
  return faultLines(() => parseStack(rawOf(kind, sections), secretKeys === undefined ? {} : { secretKeys }));
}

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
const plain = { extraDomains: [], keyType: "ecdsa" } as const;

test("the public name decides where the certificate comes from, unless the section says it", () => {
  const of = (kind: "domain" | "ip", certificate: object = {}) => parse(kind, { certificate }).certificate;
  expect(of("domain")).toEqual({ source: "acme", directory: letsEncrypt, ...plain });
  expect(of("ip")).toEqual({ source: "private", extraDomains: [] });
  expect(of("domain", { source: "private" })).toEqual({ source: "private", extraDomains: [] });
  expect(of("ip", { source: "acme" })).toEqual({
    ...{ source: "acme", directory: letsEncrypt, profile: "shortlived" },
    ...plain,
  });
  expect(of("domain", { source: "files", chainFile: "a.pem", extraDomains: ["www.example.com"] })).toEqual({
    ...{ source: "files", chainFile: "a.pem", extraDomains: ["www.example.com"] },
  });
});

test("everything of an ACME certificate can be chosen", () => {
  const certificate = {
    email: "me+bots@example.com",
    directory: "https://ca.example.com:14000/dir",
    authority: `a comment\n${oneRoot}\r\n${otherRoot}`,
    extraDomains: ["www.example.com", "xn--bcher-kva.example"],
    keyType: "rsa",
    profile: "classic",
  };
  expect(parse("domain", { certificate }).certificate).toEqual({ source: "acme", ...certificate });
  expect(parse("ip", { certificate: { source: "acme", profile: "minutes" } }).certificate).toMatchObject({
    profile: "minutes",
  });
});

test("staging is Let's Encrypt's other directory, also as text, which Pulumi's configuration may hold", () => {
  const directory = "https://acme-staging-v02.api.letsencrypt.org/directory";
  for (const staging of [true, "true"])
    expect(parse("domain", { certificate: { staging } }).certificate).toMatchObject({ directory });
  const given = { staging: "false", directory: "https://ca.example.com" };
  expect(parse("domain", { certificate: given }).certificate).toMatchObject({ directory: given.directory });
});

test("a switch of the source leaves the other sources' settings where they are", () => {
  const certificate = { source: "private", email: "me@example.com", profile: "classic", authority: oneRoot };
  expect(parse("domain", { certificate }).certificate).toEqual({
    source: "private",
    extraDomains: [],
    // What Telegram is given for it holds the ACME server's roots too.
    authority: oneRoot,
  });
});

test("networks of the edge are told once each", () => {
  const networks = (allowFrom: readonly string[]) => parse("domain", { edge: { allowFrom } }).edge.allowFrom;
  expect(networks(["any"])).toEqual(["0.0.0.0/0"]);
  expect(networks(["10.213.0.0/20", "telegram", "91.108.4.0/22", "telegram", "203.0.113.5"])).toEqual([
    ...["10.213.0.0/20", "149.154.160.0/20", "91.108.4.0/22", "203.0.113.5"],
  ]);
});

test("browsers are told to stay with HTTPS for a domain alone", () => {
  expect(parse("domain").edge.hsts).toBe("on");
  expect(parse("ip").edge.hsts).toBe("off");
  expect(parse("ip", { edge: { hsts: "off" } }).edge.hsts).toBe("off");
  expect(parse("domain", { edge: { hsts: "includeSubDomains" } }).edge.hsts).toBe("includeSubDomains");
});

test("certbot may be as old as what is asked of it allows; a tag that tells no version counts as new", () => {
  const accepted = (kind: "domain" | "ip", certbot: string, certificate: object = {}) =>
    expect(faultsOf(kind, { images: { certbot }, certificate }), certbot).toEqual([]);
  accepted("domain", "certbot/certbot:v2.10.0");
  accepted("domain", "certbot/certbot:v4.0.0", { profile: "classic" });
  accepted("ip", "certbot/certbot:v2.10.0");
  const acme = { source: "acme" };
  const digest = `@sha256:${"0".repeat(64)}`;
  for (const tag of [":v5.4.0", ":arm64v8-v5.5.0", ":v10.0.0", ":5.4", ":nightly", digest])
    accepted("ip", `registry.example.com:5000/certbot${tag}`, acme);
});

const set = "Set it with: pulumi config set --path botgarden:";
const remove = "pulumi config rm --path";
const pemAllowed = "must be one or more certificates in PEM (BEGIN CERTIFICATE), without a key";
const nameAllowed = "must be a DNS name in lower case without scheme, port or path, and no wildcard";
const originAllowed = 'must be telegram, any, an IPv4 address or an IPv4 range like "203.0.113.0/24"';
const newCertbot = `${set}images.certbot certbot/certbot:v5.5.0`;

test.for<[string, "domain" | "ip", Sections, string]>([
  [
    "an unknown source",
    "domain",
    { certificate: { source: "letsencrypt" } },
    `certificate.source: is not allowed, got "letsencrypt", must be acme, private or files. ${set}certificate.source acme`,
  ],
  [
    "a mail address without a host",
    "domain",
    { certificate: { email: "me" } },
    `certificate.email: is not allowed, got "me", must be a mail address. ${set}certificate.email me@example.com`,
  ],
  [
    "an option for certbot",
    "domain",
    { certificate: { email: "--server@example.com" } },
    `certificate.email: is not allowed, got "--server@example.com", must be a mail address. ${set}certificate.email me@example.com`,
  ],
  [
    "a directory without TLS",
    "domain",
    { certificate: { directory: "http://ca.example.com/dir" } },
    `certificate.directory: is not the URL of an ACME directory, got "http://ca.example.com/dir", must be an https URL without user, query and fragment. ${set}certificate.directory ${letsEncrypt}`,
  ],
  [
    "a directory with a password",
    "domain",
    { certificate: { directory: "https://me:hunter2@ca.example.com" } },
    `certificate.directory: is not the URL of an ACME directory, got a hidden value, must be an https URL without user, query and fragment. ${set}certificate.directory ${letsEncrypt}`,
  ],
  [
    "two directories",
    "domain",
    { certificate: { directory: letsEncrypt, staging: true } },
    `certificate.staging: and certificate.directory are both given, but there is one ACME server. Remove one with: ${remove} botgarden:certificate.staging`,
  ],
  [
    "half staging",
    "domain",
    { certificate: { staging: "yes" } },
    `certificate.staging: is of the wrong type, got "yes", must be true or false. ${set}certificate.staging true`,
  ],
  [
    "a file's name for an authority",
    "domain",
    { certificate: { authority: "ca.pem" } },
    `certificate.authority: holds no certificate in PEM, got a hidden value, ${pemAllowed}. ${set}certificate.authority < ca.pem`,
  ],
  [
    "an authority's key",
    "domain",
    { certificate: { authority: `${oneRoot}\n${privateKey}` } },
    `certificate.authority: holds a private key, got a hidden value, ${pemAllowed}. ${set}certificate.authority < ca.pem`,
  ],
  [
    "half an authority",
    "domain",
    { certificate: { authority: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" } },
    `certificate.authority: holds a block, number 1, that is not a certificate, got a hidden value, ${pemAllowed}. ${set}certificate.authority < ca.pem`,
  ],
  [
    "a text of domains",
    "domain",
    { certificate: { extraDomains: "www.example.com" } },
    "certificate.extraDomains: is of the wrong type, got \"www.example.com\", must be a list of at most 99 DNS names. Set it with: pulumi config set --path 'botgarden:certificate.extraDomains[0]' www.example.com",
  ],
  [
    "a wildcard",
    "domain",
    { certificate: { extraDomains: ["a.example.com", "*.example.com"] } },
    `certificate.extraDomains[1]: is not a DNS name, got "*.example.com", ${nameAllowed}. Set it with: pulumi config set --path 'botgarden:certificate.extraDomains[1]' www.example.com`,
  ],
  [
    "a domain twice",
    "domain",
    { certificate: { extraDomains: ["a.example.com", "a.example.com"] } },
    `certificate.extraDomains[1]: is there twice. Remove it with: ${remove} 'botgarden:certificate.extraDomains[1]'`,
  ],
  [
    "the garden's own domain",
    "domain",
    { certificate: { extraDomains: ["a.example.com", "bots.example.com"] } },
    `certificate.extraDomains: have the garden's own domain among them, which is in the certificate anyway. Remove it with: ${remove} 'botgarden:certificate.extraDomains[1]'`,
  ],
  [
    "domains beside an address",
    "ip",
    { certificate: { extraDomains: ["a.example.com"] } },
    `certificate.extraDomains: are given, but the certificate of a garden with an IP address is for this address alone. Remove them with: ${remove} botgarden:certificate.extraDomains`,
  ],
  [
    "an unknown kind of key",
    "domain",
    { certificate: { keyType: "ed25519" } },
    `certificate.keyType: is not allowed, got "ed25519", must be ecdsa or rsa. ${set}certificate.keyType ecdsa`,
  ],
  [
    "a profile that is an option",
    "domain",
    { certificate: { profile: "--x" } },
    `certificate.profile: is not allowed, got "--x", must be the name of a profile. ${set}certificate.profile tlsserver`,
  ],
  [
    "files without a chain",
    "domain",
    { certificate: { source: "files" } },
    `certificate.chainFile: is missing, but certificate.source is "files". ${set}certificate.chainFile fullchain.pem`,
  ],
  [
    "a chain that nobody uses",
    "domain",
    { certificate: { chainFile: "fullchain.pem" } },
    `certificate.chainFile: is given, but certificate.source is not "files". Use it with: pulumi config set --path botgarden:certificate.source files, or remove it with: ${remove} botgarden:certificate.chainFile`,
  ],
  [
    "a key in the wrong place",
    "domain",
    { certificate: { key: privateKey } },
    "certificate.key: is not a setting. Known here: source, email, directory, staging, authority, keyType, profile, extraDomains, chainFile.",
  ],
  [
    "another port for challenges",
    "domain",
    { edge: { httpPort: 8080 } },
    `edge.httpPort: is not 80, where an ACME server asks whether the name is yours, got 8080. ${set}edge.httpPort 80, or do without ACME: pulumi config set --path botgarden:certificate.source private`,
  ],
  [
    "a promise to browsers about an address",
    "ip",
    { edge: { hsts: "on" } },
    `edge.hsts: is for a domain only, as browsers ignore it for an IP address, got "on". Remove it with: ${remove} botgarden:edge.hsts`,
  ],
  [
    "nobody to call",
    "domain",
    { edge: { allowFrom: [] } },
    `edge.allowFrom: is too short, got a list, must be a list of 1 to 100 of telegram, any, IPv4 addresses and ranges like "203.0.113.0/24". Set it with: pulumi config set --path 'botgarden:edge.allowFrom[0]' telegram`,
  ],
  ...[
    "Telegram",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0/8",
    "2001:db8::1",
    "0.0.0.0/0;",
    "010.0.0.1",
    "10.0.0.0/",
  ].map((text): [string, "domain", Sections, string] => [
    `the network ${text}`,
    "domain",
    { edge: { allowFrom: ["telegram", text] } },
    `edge.allowFrom[1]: is not a network, got "${text}", ${originAllowed}. Set it with: pulumi config set --path 'botgarden:edge.allowFrom[1]' telegram`,
  ]),
  [
    "a network that begins elsewhere",
    "domain",
    { edge: { allowFrom: ["203.0.113.5/24"] } },
    `edge.allowFrom[0]: doesn't start at its first address, got "203.0.113.5/24", ${originAllowed}. Set it with: pulumi config set --path 'botgarden:edge.allowFrom[0]' telegram`,
  ],
  [
    "a page that is HTML",
    "domain",
    { edge: { page: "<h1>Hello</h1>" } },
    `edge.page: is not allowed, got "<h1>Hello</h1>", must be the path of an HTML file. ${set}edge.page page.html`,
  ],
  [
    "a profile with an old certbot",
    "domain",
    { certificate: { profile: "classic" }, images: { certbot: "certbot/certbot:v3.3.0" } },
    `images.certbot: is too old for certificate.profile, which needs certbot 4.0 or newer, got "certbot/certbot:v3.3.0". ${newCertbot}`,
  ],
  ...["a:v5.3.1", "a:arm64v8-v5.3.0", "a:2.10", "a:v2.10.0-alpine"].map(
    (certbot): [string, "ip", Sections, string] => [
      `an address with ${certbot}`,
      "ip",
      { certificate: { source: "acme" }, images: { certbot } },
      `images.certbot: is too old for a certificate for an IP address, which needs certbot 5.4 or newer, got "${certbot}". ${newCertbot}`,
    ],
  ),
])("refuses %s", ([, kind, sections, expected]) => {
  expect(faultsOf(kind, sections)).toEqual([`stack settings: botgarden:${expected}`]);
});

test("rules between sections are told with all other faults, and not about a section that is wrong itself", () => {
  const sections = { certificate: { source: "acme", email: "me" }, edge: { hsts: "on", httpPort: 8080 } };
  expect(faultsOf("ip", sections).map((line) => line.split(": ")[1])).toEqual([
    undefined,
    "botgarden:certificate.email",
    "botgarden:edge.hsts",
  ]);
});

test("a section that was set with --secret is not shown", () => {
  const faults = faultsOf("domain", { edge: { httpPort: 8099 } }, new Set(["edge"]));
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain("got a hidden value");
  expect(faults[0]).not.toContain("8099");
});

test("a mistyped key's name is corrected, and its text never shown", () => {
  const raw = { ...rawOf("domain", {}), certificatekey: privateKey };
  expect(() => parseStack(raw)).toThrow(
    "stack settings: botgarden:certificatekey: is not a setting. Did you mean certificateKey?",
  );
});
