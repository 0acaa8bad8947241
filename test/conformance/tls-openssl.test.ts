/** What the tls stand-in makes, as seen by OpenSSL and OpenSSH: the programs that will use it. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mapWithoutSecrets, type PropertyMap } from "../../sandbox/plugins/framework/values.ts";
import { pluginFor } from "./case.ts";
import { type Plugin, startPlugin } from "./harness.ts";
import { ecPem, edPem, rsaPem } from "./keys.ts";

const folder = mkdtempSync(join(tmpdir(), "conformance-tls-"));
let plugin: Plugin;
let authority: string;

beforeAll(async () => {
  plugin = await startPlugin(pluginFor("tls"));
  await plugin.configure({ version: "5.6.1" });
  authority = await selfSigned({
    privateKeyPem: ecPem,
    isCaCertificate: true,
    subject: { commonName: "garden CA", organization: "garden" },
    validityPeriodHours: 87600,
    allowedUses: ["cert_signing", "crl_signing"],
  });
});
afterAll(async () => {
  await plugin.stop();
  rmSync(folder, { recursive: true });
});

async function make(type: string, inputs: PropertyMap): Promise<PropertyMap> {
  const token = `tls:index/${(type[0] ?? "").toLowerCase()}${type.slice(1)}:${type}`;
  return mapWithoutSecrets((await plugin.create({ type: token, name: "it" }, inputs)).state);
}

async function selfSigned(inputs: PropertyMap): Promise<string> {
  return String((await make("SelfSignedCert", inputs)).certPem as string);
}

async function request(inputs: PropertyMap): Promise<string> {
  return String((await make("CertRequest", inputs)).certRequestPem as string);
}

async function issued(csr: string, more: PropertyMap): Promise<string> {
  const inputs = {
    certRequestPem: csr,
    caPrivateKeyPem: ecPem,
    caCertPem: authority,
    validityPeriodHours: 8760,
    ...more,
  };
  return String((await make("LocallySignedCert", inputs)).certPem as string);
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A certificate's extensions as OpenSSL prints them, without the spaces around lines. */
function printed(pem: string, ...extensions: string[]): string {
  const text = openssl("x509", "-in", file("print.pem", pem), "-noout", "-ext", extensions.join(","));
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}

describe("an authority", () => {
  test("is one, and verifies itself", () => {
    expect(
      openssl("verify", "-x509_strict", "-CAfile", file("ca.pem", authority), file("ca.pem", authority)),
    ).toMatch(/: OK/);
    expect(printed(authority, "basicConstraints", "keyUsage")).toBe(
      "X509v3 Key Usage: critical\nCertificate Sign, CRL Sign\nX509v3 Basic Constraints: critical\nCA:TRUE",
    );
    expect(
      openssl("x509", "-in", file("ca.pem", authority), "-noout", "-subject", "-nameopt", "RFC2253"),
    ).toBe("subject=CN=garden CA,O=garden\n");
  });

  test("has a subject key identifier, and no authority's unless asked", async () => {
    expect(printed(authority, "subjectKeyIdentifier")).toMatch(
      /^X509v3 Subject Key Identifier:\n([0-9A-F]{2}:){19}[0-9A-F]{2}$/,
    );
    expect(printed(authority, "authorityKeyIdentifier")).not.toMatch(/Authority Key Identifier/);
    const asked = await selfSigned({
      privateKeyPem: rsaPem,
      isCaCertificate: true,
      setAuthorityKeyId: true,
      maxPathLength: 1,
      subject: { commonName: "x" },
      validityPeriodHours: 1,
      allowedUses: ["cert_signing"],
    });
    const own = printed(asked, "subjectKeyIdentifier").split("\n")[1];
    expect(printed(asked, "authorityKeyIdentifier").split("\n")[1]).toBe(own);
    expect(printed(asked, "basicConstraints")).toMatch(/CA:TRUE, pathlen:1/);
  });
});

describe("a certificate for a request", () => {
  test.each([
    { kind: "RSA", key: rsaPem },
    { kind: "ECDSA", key: ecPem },
    { kind: "Ed25519", key: edPem },
  ])("of a key of kind $kind verifies, with its names", async ({ key }) => {
    const csr = await request({
      privateKeyPem: key,
      subject: { commonName: "postgres" },
      dnsNames: ["postgres", "*.garden.example"],
      ipAddresses: ["127.0.0.1", "2001:db8::5"],
      uris: ["spiffe://garden/postgres"],
    });
    expect(openssl("req", "-in", file("csr.pem", csr), "-noout", "-verify", "-subject")).toMatch(
      /CN ?= ?postgres/,
    );
    const leaf = await issued(csr, {
      allowedUses: ["server_auth", "client_auth", "digital_signature", "key_encipherment"],
    });
    for (const name of ["postgres", "x.garden.example"]) {
      const args = ["-purpose", "sslserver", "-verify_hostname", name, "-CAfile", file("ca.pem", authority)];
      expect(openssl("verify", ...args, file("leaf.pem", leaf))).toMatch(/: OK/);
    }
    expect(
      openssl(
        "verify",
        "-verify_ip",
        "2001:db8::5",
        "-CAfile",
        file("ca.pem", authority),
        file("leaf.pem", leaf),
      ),
    ).toMatch(/OK/);
    expect(printed(leaf, "subjectAltName")).toBe(
      "X509v3 Subject Alternative Name:\nDNS:postgres, DNS:*.garden.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:5, URI:spiffe://garden/postgres",
    );
    expect(printed(leaf, "keyUsage", "extendedKeyUsage", "basicConstraints")).toBe(
      "X509v3 Key Usage: critical\nDigital Signature, Key Encipherment\nX509v3 Extended Key Usage:\nTLS Web Server Authentication, TLS Web Client Authentication\nX509v3 Basic Constraints: critical\nCA:FALSE",
    );
    const issuerKeyId = printed(authority, "subjectKeyIdentifier").split("\n")[1];
    expect(printed(leaf, "authorityKeyIdentifier").split("\n")[1]).toBe(issuerKeyId);
  });

  test("a changed certificate doesn't verify", async () => {
    const leaf = await issued(await request({ privateKeyPem: rsaPem, dnsNames: ["a"] }), { allowedUses: [] });
    const der = Buffer.from(new X509Certificate(leaf).raw);
    const at = der.indexOf("a3", 0, "hex");
    der[at + 20] = (der[at + 20] ?? 0) ^ 1;
    const changed = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
    expect(() => openssl("verify", "-CAfile", file("ca.pem", authority), file("bad.pem", changed))).toThrow();
  });

  test("is valid from now for its hours, also past the year 2049", async () => {
    const hours = 24 * 365 * 30;
    const before = Math.floor(Date.now() / 1000) * 1000;
    const leaf = new X509Certificate(
      await issued(await request({ privateKeyPem: rsaPem }), { allowedUses: [], validityPeriodHours: hours }),
    );
    const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
    expect(from).toBeGreaterThanOrEqual(before);
    expect(from).toBeLessThanOrEqual(Date.now());
    expect(to - from).toBe(hours * 3_600_000);
  });
});

describe("a private key", () => {
  test.each([
    { algorithm: "ECDSA", ecdsaCurve: "P256" },
    { algorithm: "ECDSA", ecdsaCurve: "P384" },
    { algorithm: "ECDSA", ecdsaCurve: "P521" },
    { algorithm: "ED25519" },
    { algorithm: "RSA", rsaBits: 2048 },
  ])("$algorithm $ecdsaCurve is the same key in every spelling", async (inputs) => {
    const state = await make("PrivateKey", inputs);
    const text = (name: string): string => String(state[name] as string);
    const publicOf = (name: string): string =>
      openssl("pkey", "-in", file(`${name}.pem`, text(name)), "-pubout");
    expect(publicOf("privateKeyPem")).toBe(text("publicKeyPem"));
    expect(publicOf("privateKeyPemPkcs8")).toBe(text("publicKeyPem"));
    const ssh = execFileSync("ssh-keygen", ["-y", "-f", file("id", text("privateKeyOpenssh"))], {
      encoding: "utf8",
    });
    expect(ssh.trim()).toBe(text("publicKeyOpenssh").trim());
    const fingerprint = (hash: string): string =>
      execFileSync("ssh-keygen", ["-l", "-E", hash, "-f", file("id.pub", text("publicKeyOpenssh"))], {
        encoding: "utf8",
      });
    expect(fingerprint("sha256")).toContain(text("publicKeyFingerprintSha256"));
    expect(fingerprint("md5")).toContain(`MD5:${text("publicKeyFingerprintMd5")}`);
  });
});
