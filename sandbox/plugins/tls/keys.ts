/** Private keys: making them, reading them, and every spelling that a tls.PrivateKey has of them. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";
import { children, fromPem, read, readOid, toPem, unsigned } from "./der.ts";

const generate = promisify(generateKeyPair);

/** Kinds of keys, as inputs and outputs name them. */
export type Algorithm = "RSA" | "ECDSA" | "ED25519";

/** Curves by their name in inputs: OpenSSL's name, OpenSSH's name ("" where it has none), object identifier. */
const CURVES: Readonly<Record<string, { openssl: string; ssh: string; oid: string; hash: string }>> = {
  P224: { openssl: "secp224r1", ssh: "", oid: "1.3.132.0.33", hash: "sha256" },
  P256: { openssl: "prime256v1", ssh: "nistp256", oid: "1.2.840.10045.3.1.7", hash: "sha256" },
  P384: { openssl: "secp384r1", ssh: "nistp384", oid: "1.3.132.0.34", hash: "sha384" },
  P521: { openssl: "secp521r1", ssh: "nistp521", oid: "1.3.132.0.35", hash: "sha512" },
};

/** The names of the curves. */
export const CURVE_NAMES = Object.keys(CURVES);

/** Makes a key. `bits` counts for RSA, `curve` (P224, P256, P384, P521) for ECDSA. */
export async function makeKey(algorithm: string, bits: number, curve: string): Promise<KeyObject> {
  if (algorithm === "RSA") return (await generate("rsa", { modulusLength: bits })).privateKey;
  if (algorithm === "ED25519") return (await generate("ed25519")).privateKey;
  return (await generate("ec", { namedCurve: CURVES[curve]?.openssl ?? curve })).privateKey;
}

/** Reads a private key from PEM (PKCS#1, SEC 1 or PKCS#8). Throws for anything else, without quoting it. */
export function readKey(pem: string): KeyObject {
  const { type } = fromPem(pem);
  if (!["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].includes(type)) {
    throw new Error(`unable to determine parser for PEM preamble: ${type}`);
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`failed to parse private key given PEM preamble '${type}'`);
  }
}

/** The kind of a key. */
export function algorithmOf(key: KeyObject): Algorithm {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return "RSA";
    case "ec":
      return "ECDSA";
    case "ed25519":
      return "ED25519";
    default:
      throw new Error(`unsupported private key type: ${key.asymmetricKeyType}`);
  }
}

/** The SubjectPublicKeyInfo of a key, in DER. */
export function publicDer(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ type: "spki", format: "der" });
}

/** The bits inside a SubjectPublicKeyInfo: RSAPublicKey, the point of the curve, or the Ed25519 key. */
export function publicBits(spki: Uint8Array): Buffer {
  const [, bits] = children(read(spki));
  if (bits === undefined) throw new Error("DER: not a SubjectPublicKeyInfo");
  return bits.content.subarray(1);
}

/** The name of an elliptic key's curve, such as P256. */
function curveOf(spki: Uint8Array): string {
  const [algorithm] = children(read(spki));
  const parameters = algorithm === undefined ? undefined : children(algorithm)[1];
  const found = parameters === undefined ? "" : readOid(parameters);
  const name = CURVE_NAMES.find((curve) => CURVES[curve]?.oid === found);
  if (name === undefined) throw new Error(`unsupported elliptic curve ${found}`);
  return name;
}

/** The hash with which a key signs certificates: as Go's crypto/x509 chooses it; undefined for Ed25519. */
export function signingHash(key: KeyObject): string | undefined {
  if (algorithmOf(key) === "RSA") return "sha256";
  return algorithmOf(key) === "ED25519" ? undefined : CURVES[curveOf(publicDer(key))]?.hash;
}

/** Every output of a tls.PrivateKey. */
export function spellings(key: KeyObject): Record<string, string> {
  const spki = publicDer(key);
  const ssh = sshPublic(key, spki);
  const own = { RSA: "pkcs1", ECDSA: "sec1", ED25519: "pkcs8" } as const;
  return {
    id: sha1OfTrimmed(spki),
    privateKeyPem: key.export({ type: own[algorithmOf(key)], format: "pem" }).toString(),
    privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKeyOpenssh: ssh === undefined ? "" : sshPrivate(key, ssh),
    publicKeyPem: toPem("PUBLIC KEY", spki),
    publicKeyOpenssh: ssh === undefined ? "" : `${ssh.type} ${ssh.blob.toString("base64")}\n`,
    publicKeyFingerprintMd5: ssh === undefined ? "" : md5Fingerprint(ssh.blob),
    publicKeyFingerprintSha256:
      ssh === undefined
        ? ""
        : `SHA256:${createHash("sha256").update(ssh.blob).digest("base64").replace(/=+$/, "")}`,
  };
}

/**
 * The SHA-1, in hex, by which the official provider names keys and requests. It takes the bytes for text and trims
 * white space at the end of it before.
 */
export function sha1OfTrimmed(der: Buffer): string {
  const endings = [
    "\t",
    "\n",
    "\v",
    "\f",
    "\r",
    " ",
    "\u0085",
    "\u00a0",
    "\u1680",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u205f",
    "\u3000",
  ];
  const spaces = [...endings, ..."\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"].map(
    (one) => Buffer.from(one),
  );
  let rest = der;
  for (;;) {
    const space = spaces.find((one) => rest.subarray(-one.length).equals(one));
    if (space === undefined) return createHash("sha1").update(rest).digest("hex");
    rest = rest.subarray(0, -space.length);
  }
}

interface SshPublic {
  readonly type: string;
  readonly blob: Buffer;
}

/** A key as OpenSSH writes it, or undefined for the curve that OpenSSH doesn't know (P224). */
function sshPublic(key: KeyObject, spki: Buffer): SshPublic | undefined {
  const bits = publicBits(spki);
  switch (algorithmOf(key)) {
    case "RSA": {
      const [modulus, exponent] = children(read(bits)).map((node) => node.content);
      const type = "ssh-rsa";
      return { type, blob: Buffer.concat([sshText(type), sshText(exponent ?? ""), sshText(modulus ?? "")]) };
    }
    case "ED25519": {
      const type = "ssh-ed25519";
      return { type, blob: Buffer.concat([sshText(type), sshText(bits)]) };
    }
    case "ECDSA": {
      const curve = CURVES[curveOf(spki)]?.ssh ?? "";
      const type = `ecdsa-sha2-${curve}`;
      return curve === ""
        ? undefined
        : { type, blob: Buffer.concat([sshText(type), sshText(curve), sshText(bits)]) };
    }
  }
}

function sshText(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The format of OpenSSH's PROTOCOL.key, not encrypted, without a comment. */
function sshPrivate(key: KeyObject, ssh: SshPublic): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, sshText(ssh.type), ...sshPrivateParts(key), sshText("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    sshText("none"),
    sshText("none"),
    sshText(""),
    Buffer.from([0, 0, 0, 1]),
    sshText(ssh.blob),
    sshText(Buffer.concat([secret, padding])),
  ]);
  return toPem("OPENSSH PRIVATE KEY", whole);
}

function sshPrivateParts(key: KeyObject): Buffer[] {
  const spki = publicDer(key);
  const bits = publicBits(spki);
  switch (algorithmOf(key)) {
    case "RSA": {
      const own = children(read(key.export({ type: "pkcs1", format: "der" }))).map((node) =>
        sshText(node.content),
      );
      const [, n, e, d, p, q, , , qInverse] = own;
      return [n, e, d, qInverse, p, q].filter((part) => part !== undefined);
    }
    case "ED25519": {
      const [, , wrapped] = children(read(key.export({ type: "pkcs8", format: "der" })));
      const seed = wrapped === undefined ? Buffer.alloc(0) : read(wrapped.content).content;
      return [sshText(bits), sshText(Buffer.concat([seed, bits]))];
    }
    case "ECDSA": {
      const [, scalar] = children(read(key.export({ type: "sec1", format: "der" })));
      const number = read(unsigned(scalar?.content ?? Buffer.alloc(0))).content;
      return [sshText(CURVES[curveOf(spki)]?.ssh ?? ""), sshText(bits), sshText(number)];
    }
  }
}

function md5Fingerprint(blob: Buffer): string {
  const hex = createHash("md5").update(blob).digest("hex");
  return (hex.match(/../g) ?? []).join(":");
}
