import { expect, test } from "vitest";
import { parseStack } from "../../../settings/stack.ts";
import { faultLines } from "../support/faults.ts";

const valid = { host: "root@203.0.113.5", domain: "bots.example.com" };
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

/** The faults' lines for the valid settings with these changes; undefined removes a key. */
function faultsOf(changes: Record<string, string | undefined>): string[] {
  const entries = Object.entries({ ...valid, ...changes }).filter(([, value]) => value !== undefined);
  return faultLines(() => parseStack(Object.fromEntries(entries) as Record<string, string>));
}

test("fills in every default", () => {
  expect(parseStack(valid)).toEqual({
    host: { kind: "ssh", user: "root", address: "203.0.113.5", port: 22 },
    publicName: { kind: "domain", name: "bots.example.com" },
    platform: "linux/amd64",
    timezone: "UTC",
    network: {
      subnet: "10.213.0.0/20",
      ipRange: "10.213.8.0/21",
      gateway: "10.213.0.1",
      addresses: { edge: "10.213.0.2", postgres: "10.213.0.3", redis: "10.213.0.4" },
    },
    images: { nginx: "nginx:1.30.4", postgres: "postgres:18.6", certbot: "certbot/certbot:v5.5.0" },
    edge: {
      httpPort: 80,
      httpsPort: 443,
      allowFrom: ["149.154.160.0/20", "91.108.4.0/22"],
      hsts: "on",
    },
    certificate: {
      source: "acme",
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      extraDomains: [],
      keyType: "ecdsa",
    },
    postgres: { maxConnections: 60, sharedBuffers: 128, memory: 512 },
    telegram: { apiRoot: "https://api.telegram.org" },
    pins: {},
  });
});

test("takes every setting, numbers also as text", () => {
  const settings = parseStack({
    host: "local",
    hostKey: `${publicKey} root@garden`,
    identityFile: "~/.ssh/id_ed25519",
    ip: "203.0.113.5",
    timezone: "Europe/Berlin",
    network: '{"subnet":"192.168.7.0/24"}',
    images: '{"nginx":"nginx:1.25-alpine","postgres":"registry.example.com:5000/a/postgres:16-alpine"}',
    edge: '{"httpPort":"8080","httpsPort":8443,"allowFrom":["198.51.100.7","telegram"],"page":"page.html"}',
    certificate: '{"source":"files","chainFile":"~/fullchain.pem"}',
    certificateKey: "the text of a key",
    postgres: '{"maxConnections":"100","sharedBuffers":"1 GB","memory":"4 GB","loopbackPort":5432}',
    telegram: '{"apiRoot":"http://127.0.0.1:8081/"}',
  });
  expect(settings).toMatchObject({
    host: { kind: "local" },
    hostKey: publicKey,
    identityFile: "~/.ssh/id_ed25519",
    publicName: { kind: "ip", name: "203.0.113.5" },
    timezone: "Europe/Berlin",
    network: { ipRange: "192.168.7.128/25", gateway: "192.168.7.1" },
    edge: {
      httpPort: 8080,
      httpsPort: 8443,
      allowFrom: ["198.51.100.7", "149.154.160.0/20", "91.108.4.0/22"],
      hsts: "off",
      page: "page.html",
    },
    certificate: { source: "files", chainFile: "~/fullchain.pem", extraDomains: [] },
    postgres: { maxConnections: 100, sharedBuffers: 1024, memory: 4096, loopbackPort: 5432 },
    telegram: { apiRoot: "http://127.0.0.1:8081" },
  });
  expect(settings).not.toHaveProperty("certificateKey");
});

const set = "Set it with: pulumi config set";
const hostAllowed = 'must be "[user@]address[:port]" or "local"';
const domainAllowed = "must be a DNS name in lower case without scheme, port or path";
const imageAllowed =
  'must be an image reference with a tag or digest, "name:tag" or "name@sha256:…", and not ":latest"';
const rangeAllowed =
  "must be a private IPv4 range of /16 to /24 that starts at its first address and is not Docker's own 172.17.0.0/16";

test.for<[string, Record<string, string | undefined>, string]>([
  [
    "no host",
    { host: undefined },
    `host: is missing, ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "no address",
    { host: "root@" },
    `host: is not an address, got "root@", ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "an option of ssh",
    { host: "-oProxyCommand=x" },
    `host: is not an address, got "-oProxyCommand=x", ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "a user with a space",
    { host: "a b@c" },
    `host: has a user name that is not allowed, got "a b@c", ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "a wrong IPv4 address",
    { host: "203.0.113.256" },
    `host: is not a valid IPv4 address, got "203.0.113.256", ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "IPv6 without brackets",
    { host: "root@2001:db8::1" },
    `host: is an IPv6 address without brackets, got "root@2001:db8::1", ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "a port out of range",
    { host: "a:65536" },
    `host: has a port that is not allowed, got "a:65536", ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "a host with a password",
    { host: "ssh://root:hunter2@a" },
    `host: has a user name that is not allowed, got a hidden value, ${hostAllowed}. ${set} botgarden:host root@203.0.113.5`,
  ],
  [
    "a private key",
    { hostKey: "-----BEGIN OPENSSH PRIVATE KEY-----" },
    `hostKey: is not a public key, got a hidden value, must be a public SSH key, "ssh-ed25519 AAAA…" (or ecdsa-sha2-nistp256, 384, 521, or ssh-rsa). ${set} botgarden:hostKey "ssh-ed25519 AAAA…"`,
  ],
  [
    "a key of another type",
    { hostKey: publicKey.replace("ssh-ed25519 ", "ssh-rsa ") },
    `hostKey: is not a public key, got "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERIT…", must be a public SSH key, "ssh-ed25519 AAAA…" (or ecdsa-sha2-nistp256, 384, 521, or ssh-rsa). ${set} botgarden:hostKey "ssh-ed25519 AAAA…"`,
  ],
  [
    "a key instead of its path",
    { identityFile: "-----BEGIN" },
    `identityFile: is not allowed, got "-----BEGIN", must be the path of a private key's file, not the key itself. ${set} botgarden:identityFile ~/.ssh/id_ed25519`,
  ],
  [
    "a domain with a scheme",
    { domain: "https://a.example" },
    `domain: is not a DNS name, got "https://a.example", ${domainAllowed}. ${set} botgarden:domain bots.example.com`,
  ],
  [
    "a domain of one label",
    { domain: "localhost" },
    `domain: is not a DNS name, got "localhost", ${domainAllowed}. ${set} botgarden:domain bots.example.com`,
  ],
  [
    "a domain in upper case",
    { domain: "Bots.Example.com" },
    `domain: has upper-case letters, got "Bots.Example.com", ${domainAllowed}. ${set} botgarden:domain bots.example.com`,
  ],
  [
    "an address as domain",
    { domain: "203.0.113.5" },
    `domain: is an IP address, which belongs in "ip", got "203.0.113.5", ${domainAllowed}. ${set} botgarden:domain bots.example.com`,
  ],
  [
    "no public name",
    { domain: undefined },
    "domain: is missing, and so is botgarden:ip. Set one of them with: pulumi config set botgarden:domain bots.example.com",
  ],
  [
    "two public names",
    { ip: "203.0.113.5" },
    "domain: and botgarden:ip are both given, but a garden has one public name. Remove one with: pulumi config rm botgarden:ip",
  ],
  [
    "an IPv6 address",
    { domain: undefined, ip: "2001:db8::1" },
    `ip: is not allowed, got "2001:db8::1", must be an IPv4 address (Telegram calls no IPv6 address). ${set} botgarden:ip 203.0.113.5`,
  ],
  [
    "a wrong time zone",
    { timezone: "Europe/Berln" },
    `timezone: is not a time zone, got "Europe/Berln", must be a name of the IANA time zone database like "Europe/Berlin" or "UTC". ${set} botgarden:timezone Europe/Berlin`,
  ],
  [
    "an offset as time zone",
    { timezone: "+02:00" },
    `timezone: is not a time zone, got "+02:00", must be a name of the IANA time zone database like "Europe/Berlin" or "UTC". ${set} botgarden:timezone Europe/Berlin`,
  ],
  ["an unknown key", { domian: "x" }, "domian: is not a setting. Did you mean domain?"],
  [
    "a key like nothing known",
    { colour: "x" },
    "colour: is not a setting. Known here: host, hostKey, identityFile, domain, ip, platform, timezone, network, images, edge, certificate, certificateKey, postgres, telegram, pins, registries.",
  ],
  [
    "an unknown key inside",
    { edge: '{"httpsport":443}' },
    "edge.httpsport: is not a setting. Did you mean httpsPort?",
  ],
  [
    "a key set without --path",
    { "edge.httpPort": "80" },
    "edge.httpPort: was set without --path. Remove it with: pulumi config rm botgarden:edge.httpPort, and set it with --path.",
  ],
  [
    "text for an object",
    { edge: "443" },
    'edge: is not an object with settings (httpPort, httpsPort, allowFrom, hsts, page), got "443". Set them one by one, with: pulumi config set --path botgarden:edge.httpPort VALUE',
  ],
  [
    "a list for an object",
    { images: "[]" },
    'images: is not an object with settings (nginx, postgres, certbot), got "[]". Set them one by one, with: pulumi config set --path botgarden:images.nginx VALUE',
  ],
  [
    "a subnet that isn't one",
    { network: '{"subnet":"ten"}' },
    `network.subnet: is not an IPv4 range, got "ten", ${rangeAllowed}. ${set} --path botgarden:network.subnet 10.213.0.0/20`,
  ],
  [
    "a subnet with host bits",
    { network: '{"subnet":"10.213.0.1/20"}' },
    `network.subnet: doesn't start at its first address, got "10.213.0.1/20", ${rangeAllowed}. ${set} --path botgarden:network.subnet 10.213.0.0/20`,
  ],
  [
    "a public subnet",
    { network: '{"subnet":"203.0.113.0/24"}' },
    `network.subnet: is not a private range, got "203.0.113.0/24", ${rangeAllowed}. ${set} --path botgarden:network.subnet 10.213.0.0/20`,
  ],
  [
    "a subnet too small",
    { network: '{"subnet":"10.0.0.0/25"}' },
    `network.subnet: has a size that is not allowed, got "10.0.0.0/25", ${rangeAllowed}. ${set} --path botgarden:network.subnet 10.213.0.0/20`,
  ],
  [
    "Docker's own subnet",
    { network: '{"subnet":"172.17.16.0/20"}' },
    `network.subnet: is the range of Docker's default network, got "172.17.16.0/20", ${rangeAllowed}. ${set} --path botgarden:network.subnet 10.213.0.0/20`,
  ],
  [
    "an image without a tag",
    { images: '{"nginx":"nginx"}' },
    `images.nginx: has no tag, got "nginx", ${imageAllowed}. ${set} --path botgarden:images.nginx nginx:1.30.4`,
  ],
  [
    "the latest image",
    { images: '{"postgres":"postgres:latest"}' },
    `images.postgres: has a tag that moves, got "postgres:latest", ${imageAllowed}. ${set} --path botgarden:images.postgres postgres:18.6`,
  ],
  [
    "a port that Telegram refuses",
    { edge: '{"httpsPort":4443}' },
    `edge.httpsPort: is a port that Telegram doesn't call, got 4443, must be 443, 80, 88 or 8443, as Telegram calls no other port. ${set} --path botgarden:edge.httpsPort 443`,
  ],
  [
    "a port that is no number",
    { edge: '{"httpPort":"eighty"}' },
    `edge.httpPort: is of the wrong type, got "eighty", must be a whole number from 1 to 65535. ${set} --path botgarden:edge.httpPort 80`,
  ],
  [
    "a port with a fraction",
    { edge: '{"httpPort":80.5}' },
    `edge.httpPort: is of the wrong type, got 80.5, must be a whole number from 1 to 65535. ${set} --path botgarden:edge.httpPort 80`,
  ],
  [
    "one port twice",
    { edge: '{"httpsPort":80}' },
    "edge.httpPort: and edge.httpsPort are the same, but each needs a port of its own. Set one of them with: pulumi config set --path botgarden:edge.httpPort 80",
  ],
  [
    "too few connections",
    { postgres: '{"maxConnections":"9"}' },
    `postgres.maxConnections: is too small, got 9, must be a whole number from 10 to 1000. ${set} --path botgarden:postgres.maxConnections 60`,
  ],
  [
    "a size without a unit",
    { postgres: '{"memory":"512"}' },
    `postgres.memory: is not a size, got "512", must be a size from 64 MB to 1024 GB, written like "256 MB" or "1 GB". ${set} --path botgarden:postgres.memory "512 MB"`,
  ],
  [
    "a size that is too small",
    { postgres: '{"memory":"63 MB","sharedBuffers":"1 MB"}' },
    `postgres.memory: is too small, got "63 MB", must be a size from 64 MB to 1024 GB, written like "256 MB" or "1 GB". ${set} --path botgarden:postgres.memory "512 MB"`,
  ],
  [
    "more cache than memory",
    { postgres: '{"sharedBuffers":"1 GB"}' },
    "postgres.sharedBuffers: is not smaller than postgres.memory, so the database couldn't start. A quarter of it is right. Set it with: pulumi config set --path botgarden:postgres.memory '512 MB'",
  ],
  [
    "a privileged port",
    { postgres: '{"loopbackPort":543}' },
    `postgres.loopbackPort: is too small, got 543, must be a whole number from 1024 to 65535. ${set} --path botgarden:postgres.loopbackPort 5432`,
  ],
  [
    "an API root with a path",
    { telegram: '{"apiRoot":"https://a.example/bot"}' },
    `telegram.apiRoot: is not the root of an HTTP server, got "https://a.example/bot", must be an http or https URL without path, query and user. ${set} --path botgarden:telegram.apiRoot https://api.telegram.org`,
  ],
  [
    "an API root with a password",
    { telegram: '{"apiRoot":"https://a:hunter2@a.example"}' },
    `telegram.apiRoot: is not the root of an HTTP server, got a hidden value, must be an http or https URL without path, query and user. ${set} --path botgarden:telegram.apiRoot https://api.telegram.org`,
  ],
])("refuses %s", ([, changes, expected]) => {
  expect(faultsOf(changes)).toEqual([`stack settings: botgarden:${expected}`]);
});

test("lists all faults of a run in one message", () => {
  const faults = faultsOf({
    host: undefined,
    domain: undefined,
    timzone: "UTC",
    edge: "{",
    postgres: '{"memory":1}',
  });
  expect(faults[0]).toBe("5 faults in the settings:");
  expect(faults.slice(1).map((line) => line.split(": ")[1])).toEqual([
    "botgarden:edge",
    "botgarden:host",
    "botgarden:postgres.memory",
    "botgarden:timzone",
    "botgarden:domain",
  ]);
});

test("names the stack's file and hides what was set with --secret", () => {
  const raw = { ...valid, timezone: "hunter2" };
  const options = { where: "Pulumi.prod.yaml", secretKeys: new Set(["timezone"]) };
  expect(() => parseStack(raw, options)).toThrow(
    "Pulumi.prod.yaml: botgarden:timezone: is not a time zone, got a hidden value, must be",
  );
});
