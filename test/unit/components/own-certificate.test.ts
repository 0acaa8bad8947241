/** The operator's own certificate: what is taken, every refusal, and that no message holds a part of the key. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import {
  type OwnCertificateArgs,
  type OwnCertificateRead,
  readOwnCertificate,
} from "../../../components/own-certificate.ts";
import { formatFault } from "../../../settings/fault.ts";
import { garble } from "../settings/mutations.ts";
import { Chance } from "../settings/random.ts";
import { valueOfOutput } from "../support/recorder.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const folder = sharedFolder();

interface Made {
  readonly cert: string;
  readonly key: string;
}

interface Order {
  readonly cn: string;
  readonly issuer?: string;
  /** The subject alternative name. */
  readonly san?: string;
  readonly ca?: boolean;
  readonly days?: number;
  readonly key?: "P-256" | "P-521" | "rsa:2048" | "rsa:1024";
  readonly use?: "serverAuth" | "clientAuth";
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}

/** Makes a certificate and its key as the files NAME.pem and NAME.key. */
function make(name: string, { cn, issuer, san, ca = false, days = 30, key = "P-256", use }: Order): Made {
  const kind = key.startsWith("rsa") ? [key] : ["ec", "-pkeyopt", `ec_paramgen_curve:${key}`];
  openssl("req", "-newkey", ...kind, "-nodes", "-subj", `/CN=${cn}`, "-keyout", `${name}.key`, "-out", "csr");
  const extensions = [
    `basicConstraints=critical,CA:${ca ? "TRUE" : "FALSE"}`,
    // Only the signature tells two CAs of one name apart.
    ...["subjectKeyIdentifier=none", "authorityKeyIdentifier=none"],
    ...(san === undefined ? [] : [`subjectAltName=${san}`]),
    ...(use === undefined ? [] : [`extendedKeyUsage=${use}`]),
  ];
  writeFileSync(join(folder, "ext"), `${extensions.join("\n")}\n`);
  const signer =
    issuer === undefined
      ? ["-signkey", `${name}.key`]
      : ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-CAcreateserial"];
  const request = ["-req", "-in", "csr", "-extfile", "ext", "-days", String(days), ...signer];
  openssl("x509", ...request, "-out", `${name}.pem`);
  return { cert: readFileSync(join(folder, `${name}.pem`), "utf8"), key: keyFile(`${name}.key`) };
}

function keyFile(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

const san = "DNS:bots.example.com,DNS:www.example.com";
const root = make("root", { cn: "The Root", ca: true });
const middle = make("middle", { cn: "The Middle", ca: true, issuer: "root" });
const server = make("server", { cn: "bots.example.com", san, issuer: "middle", use: "serverAuth" });
const other = make("other", { cn: "bots.example.com", san, issuer: "middle" });
const chain = server.cert + middle.cert;

const domain = { kind: "domain", name: "bots.example.com" } as const;

interface Given extends Partial<OwnCertificateArgs> {
  readonly text?: string | Uint8Array;
  readonly publicName?: OwnCertificateArgs["settings"]["publicName"];
  readonly extraDomains?: readonly string[];
}

function read({ text = chain, publicName = domain, extraDomains = [], ...args }: Given): OwnCertificateRead {
  writeFileSync(join(folder, "fullchain.pem"), text);
  return readOwnCertificate({
    settings: { publicName, certificate: { source: "files", chainFile: "fullchain.pem", extraDomains } },
    ...{ key: server.key, keyIsSecret: true, where: "Pulumi.prod.yaml", folder },
    ...args,
  });
}

/** The faults, without where they are. */
function faultsOf(given: Given): string[] {
  const { certificate, faults } = read(given);
  expect(certificate === undefined).toBe(faults.length > 0);
  return faults.map((fault) => formatFault(fault).replace("Pulumi.prod.yaml: botgarden:", ""));
}

test("a chain and its key are taken, as certificates alone and as a secret", async () => {
  const { certificate, faults, warnings } = read({});
  expect([faults, warnings]).toEqual([[], []]);
  expect(certificate?.chain).toBe(chain);
  expect(certificate).not.toHaveProperty("root");
  if (certificate === undefined) throw new Error("no certificate was read");
  expect(await valueOfOutput(certificate.key)).toBe(server.key);
  expect(await pulumi.isSecret(certificate.key)).toBe(true);
});

test("text around the certificates and Windows' line ends are left out", () => {
  const text = `Bag Attributes\n  friendlyName: garden\n${chain}\nThat was all.\n`.replaceAll("\n", "\r\n");
  expect(read({ text }).certificate?.chain).toBe(chain);
});

test("a root at the end is served and known", () => {
  const { certificate } = read({ text: chain + root.cert });
  expect(certificate?.chain).toBe(chain + root.cert);
  expect(certificate?.root).toBe(root.cert);
});

test("a certificate that vouches for itself is its own root, also if it calls itself a CA", () => {
  for (const ca of [true, false]) {
    const own = make("own", { cn: "bots.example.com", san, ca });
    const { certificate, faults } = read({ text: own.cert, key: own.key });
    expect(faults).toEqual([]);
    expect(certificate?.root).toBe(own.cert);
  }
});

test("keys in openssl's older forms are taken", () => {
  openssl("ec", "-in", "server.key", "-out", "server-sec1.key");
  const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  expect(faultsOf({ key: parameters + keyFile("server-sec1.key") })).toEqual([]);
  const rsa = make("rsa", { cn: "bots.example.com", san, issuer: "middle", key: "rsa:2048" });
  openssl("rsa", "-in", "rsa.key", "-traditional", "-out", "rsa-pkcs1.key");
  expect(keyFile("rsa-pkcs1.key")).toContain("BEGIN RSA PRIVATE KEY");
  // Pulumi's command line cuts the last line's end.
  expect(faultsOf({ text: rsa.cert + middle.cert, key: keyFile("rsa-pkcs1.key").trimEnd() })).toEqual([]);
});

test("wildcards and addresses are names", () => {
  const wild = make("wild", { cn: "x", san: "DNS:*.example.com", issuer: "middle" });
  expect(faultsOf({ text: wild.cert + middle.cert, key: wild.key, extraDomains: ["a.example.com"] })).toEqual(
    [],
  );
  const address = make("address", { cn: "x", san: "IP:203.0.113.5", issuer: "middle" });
  const publicName = { kind: "ip", name: "203.0.113.5" } as const;
  expect(faultsOf({ text: address.cert + middle.cert, key: address.key, publicName })).toEqual([]);
});

const order =
  "It must hold the garden's certificate first, then the one that signed it, and so on, as in certbot's fullchain.pem.";
const setKey = "Set it with: pulumi config set --secret botgarden:certificateKey < privkey.pem";
const file = 'certificate.chainFile: names "fullchain.pem", which';
const keyInFile = `${file} holds a private key. Leave only the certificates in it; the key belongs in botgarden:certificateKey, set with: pulumi config set --secret botgarden:certificateKey < privkey.pem`;
const weak =
  "has a kind of key that Telegram or browsers refuse (RSA of 2048 bits or more, P-256 and P-384 work)";

const today = new Date();
const inYears = new Date(today.getTime() + 2 * 365 * 86_400_000);
const end = new X509Certificate(server.cert).validToDate.toISOString().slice(0, 10);
const start = new X509Certificate(server.cert).validFromDate.toISOString().slice(0, 10);

test.for<[string, () => Given, readonly string[]]>([
  ["no certificate", () => ({ text: "" }), [`${file} holds no certificate in PEM. ${order}`]],
  [
    "half a certificate",
    () => ({ text: chain.slice(0, -20) }),
    [`${file} holds a block of PEM that is not whole. ${order}`],
  ],
  [
    "a damaged certificate",
    () => ({ text: chain.replace(/(BEGIN CERTIFICATE-----\n)..../, "$1AAAA") }),
    [`${file} holds a block, number 1, that is not a certificate. ${order}`],
  ],
  [
    "a request for a certificate",
    () => ({
      text: `${chain}-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n`,
    }),
    [`${file} holds a block, number 3, that is not a certificate. ${order}`],
  ],
  ["the key in the chain's file", () => ({ text: chain + server.key }), [keyInFile]],
  ["the key alone as the chain's file", () => ({ text: server.key }), [keyInFile]],
  [
    "what is no text",
    () => ({ text: new Uint8Array([0x30, 0x82, 0xff, 0xfe]) }),
    [`${file} is not UTF-8 text. ${order}`],
  ],
  [
    "a file that is too big",
    () => ({ text: "x".repeat(100_001) }),
    [`${file} is bigger than 100 KB. ${order}`],
  ],
  [
    "the wrong order",
    () => ({ text: middle.cert + server.cert }),
    [`${file} begins with a CA's certificate instead of the server's. ${order}`],
  ],
  [
    "a chain with a hole",
    () => ({ text: server.cert + root.cert }),
    [
      `${file} is not in order: number 2, CN=The Root, has not signed number 1, CN=bots.example.com. ${order}`,
    ],
  ],
  [
    "a chain with another CA of the same name",
    () => ({ text: server.cert + make("impostor", { cn: "The Middle", ca: true, issuer: "root" }).cert }),
    [
      `${file} is not in order: number 2, CN=The Middle, has not signed number 1, CN=bots.example.com. ${order}`,
    ],
  ],
  [
    "a certificate without its chain",
    () => ({ text: server.cert }),
    [`${file} lacks the certificate of CN=The Middle, which signed the first one. ${order}`],
  ],
  [
    "a certificate that ended",
    () => ({ now: inYears }),
    [
      `${file} holds a certificate that ended on ${end}. ${order}`,
      `${file} holds a certificate, number 2, that ended on ${end}. ${order}`,
    ],
  ],
  [
    "a certificate that begins later",
    () => ({ now: new Date(0) }),
    [
      `${file} holds a certificate that begins on ${start}. ${order}`,
      `${file} holds a certificate, number 2, that begins on ${start}. ${order}`,
    ],
  ],
  [
    "a certificate for another name",
    () => ({
      publicName: { kind: "domain", name: "garden.example.com" },
      extraDomains: ["www.example.com", "a.example"],
    }),
    [
      `${file} is not for garden.example.com, a.example, but for DNS:bots.example.com, DNS:www.example.com. ${order}`,
    ],
  ],
  [
    "a certificate for no address",
    () => ({ publicName: { kind: "ip", name: "203.0.113.5" } }),
    [`${file} is not for 203.0.113.5, but for DNS:bots.example.com, DNS:www.example.com. ${order}`],
  ],
  [
    "a certificate with a name in its subject only",
    () => {
      const made = make("subject", { cn: "bots.example.com", issuer: "middle" });
      return { text: made.cert + middle.cert, key: made.key };
    },
    [`${file} is not for bots.example.com, but for nothing. ${order}`],
  ],
  [
    "a client's certificate",
    () => {
      const made = make("client", { cn: "x", san, issuer: "middle", use: "clientAuth" });
      return { text: made.cert + middle.cert, key: made.key };
    },
    [`${file} begins with a certificate that is not for TLS servers. ${order}`],
  ],
  ...(["rsa:1024", "P-521"] as const).map((key): [string, () => Given, readonly string[]] => [
    `a key of ${key}`,
    () => {
      const made = make("weak", { cn: "x", san, issuer: "middle", key });
      return { text: made.cert + middle.cert, key: made.key };
    },
    [`${file} ${weak}. ${order}`],
  ]),
  ["no key", () => ({ key: undefined, keyIsSecret: false }), [`certificateKey: is missing. ${setKey}`]],
  ["an empty key", () => ({ key: " \n" }), [`certificateKey: is missing. ${setKey}`]],
  [
    "a readable key",
    () => ({ keyIsSecret: false }),
    [
      `certificateKey: was set without --secret and can be read in the stack's file, so if the file was shared, a new key and certificate are needed. ${setKey}`,
    ],
  ],
  [
    "the certificate as the key",
    () => ({ key: server.cert }),
    [`certificateKey: is not a private key in PEM. ${setKey}`],
  ],
  [
    "a key with a passphrase",
    () => {
      openssl("pkcs8", "-topk8", "-in", "server.key", "-out", "locked.key", "-passout", "pass:hunter2");
      return { key: keyFile("locked.key") };
    },
    [`certificateKey: has a passphrase. ${setKey}`],
  ],
  [
    "another certificate's key",
    () => ({ key: other.key }),
    [`certificateKey: is not the key of the certificate in "fullchain.pem". ${setKey}`],
  ],
])("refuses %s", ([, given, expected]) => {
  expect(faultsOf(given())).toEqual(expected);
});

test("a file that isn't there and a folder are told by the path that was given", () => {
  const at = (chainFile: string) => {
    const certificate = { source: "files", chainFile, extraDomains: [] } as const;
    return faultsOf({ settings: { publicName: domain, certificate } })[0];
  };
  expect(at("nowhere.pem")).toBe(`certificate.chainFile: names "nowhere.pem", which doesn't exist. ${order}`);
  expect(at(folder)).toContain("which is not a file");
  expect(at("~/botgarden-no-such-file.pem")).toContain("which doesn't exist");
  expect(at(join(folder, "root.pem"))).not.toContain("which doesn't exist");
});

test("a certificate that ends within a week is taken with a warning", () => {
  const later = (days: number) => {
    const now = new Date(new X509Certificate(server.cert).validToDate.getTime() - days * 86_400_000);
    return read({ now });
  };
  expect(later(7).warnings).toEqual([]);
  expect(later(6.9).faults).toEqual([]);
  expect(later(6.9).warnings).toEqual([
    `botgarden:certificate.chainFile: the certificate ends in 6 days, on ${end}. Get a new one, put its chain into the file, set botgarden:certificateKey and run pulumi up.`,
  ]);
  expect(later(1.5).warnings[0]).toContain("ends in 1 day, on");
});

test("a key that nobody uses is a fault, and nothing is read for other sources", () => {
  const settings = { publicName: domain, certificate: { source: "private", extraDomains: [] } } as const;
  expect(read({ settings, key: undefined })).toEqual({ faults: [], warnings: [] });
  expect(faultsOf({ settings })).toEqual([
    'certificateKey: is given, but botgarden:certificate.source is not "files". Remove it with: pulumi config rm botgarden:certificateKey',
  ]);
});

// Another seed each time finds more; a failure names its seed, and FUZZ_SEED brings it back.
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

test(`500 damaged chains and keys: a clear message or none, and never a line of the key (seed ${seed})`, () => {
  const chance = new Chance(seed);
  const secretLines = server.key.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  let refused = 0;
  for (let round = 0; round < 500; round++) {
    const damage = (text: string): string => (chance.oneIn(3) ? text : garble(text, chance));
    const text = damage(chance.pick([chain, chain + root.cert, chain + server.key, server.key]) ?? "");
    const { faults } = read({ text, key: damage(server.key), keyIsSecret: !chance.oneIn(10) });
    if (faults.length > 0) refused++;
    for (const message of faults.map(formatFault)) {
      const told = `seed ${seed}, round ${round}: ${message}`;
      expect(message, told).toMatch(/^Pulumi\.prod\.yaml: botgarden:certificate(?:Key|\.chainFile): \S/);
      expect(message, told).not.toMatch(/error:|\[object|node:internal/);
      for (const line of secretLines) expect(message, told).not.toContain(line.slice(0, 20));
    }
  }
  expect(refused).toBeGreaterThan(200);
  expect(refused).toBeLessThan(500);
});
