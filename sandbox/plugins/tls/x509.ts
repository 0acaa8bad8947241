/** Certificates and certificate requests (RFC 5280, RFC 2986), byte for byte as Go's crypto/x509 makes them. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { BlockList, isIP, isIPv4 } from "node:net";
import {
  bitString,
  children,
  integer,
  type Node,
  namedBits,
  oid,
  read,
  readOid,
  sequence,
  setOf,
  Tag,
  time,
  tlv,
  unsigned,
} from "./der.ts";
import { algorithmOf, publicBits, publicDer, signingHash } from "./keys.ts";
import { isEmptyName } from "./names.ts";
import { EXTENDED_USAGES, KEY_USAGES } from "./usages.ts";

const OID = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  alternativeNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  extensionRequest: "1.2.840.113549.1.9.14",
} as const;

const SIGNATURE_OIDS: Readonly<Record<string, string>> = {
  "RSA sha256": "1.2.840.113549.1.1.11",
  "ECDSA sha256": "1.2.840.10045.4.3.2",
  "ECDSA sha384": "1.2.840.10045.4.3.3",
  "ECDSA sha512": "1.2.840.10045.4.3.4",
  ED25519: "1.3.101.112",
};

/** Who a certificate is for, besides its subject. */
export interface Names {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly uris: readonly string[];
}

/** What goes into a certificate. */
export interface Template {
  /** The subject in DER. */
  readonly subject: Buffer;
  /** The subject's SubjectPublicKeyInfo in DER. */
  readonly spki: Buffer;
  /** The alternative names as the content of their extension; empty for none. */
  readonly alternativeNames: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly allowedUses: readonly string[];
  readonly isCa: boolean;
  /** The greatest number of authorities below; -1 and 0: not said (0 too, as in the official provider). */
  readonly maxPathLength: number;
  readonly setSubjectKeyId: boolean;
  readonly setAuthorityKeyId: boolean;
}

/** Who signs. Undefined subject: the certificate signs itself. */
export interface Issuer {
  readonly key: KeyObject;
  /** The issuer's subject in DER, as it stands in its certificate. */
  readonly subject?: Buffer;
  /** The issuer's subject key identifier; empty when it has none. */
  readonly subjectKeyId: Buffer;
}

/** A signed certificate. */
export interface Certificate {
  readonly der: Buffer;
  /** 128 random bits. */
  readonly serial: bigint;
}

/** Signs a certificate. Throws, in Go's words, for what can't be put into one. */
export function signCertificate(template: Template, issuer: Issuer): Certificate {
  const serialBytes = randomBytes(16);
  const ownKeyId = template.isCa || template.setSubjectKeyId ? keyId(template.spki) : Buffer.alloc(0);
  const issuerName = issuer.subject ?? template.subject;
  const body = sequence(
    tlv(0xa0, integer(2)),
    unsigned(serialBytes),
    signatureAlgorithm(issuer.key),
    issuerName,
    sequence(time(template.notBefore), time(template.notAfter)),
    template.subject,
    template.spki,
    tlv(
      0xa3,
      sequence(...extensions(template, ownKeyId, authorityKeyId(template, issuer, issuerName, ownKeyId))),
    ),
  );
  return { der: signed(body, issuer.key), serial: BigInt(`0x${serialBytes.toString("hex")}`) };
}

function authorityKeyId(template: Template, issuer: Issuer, issuerName: Buffer, ownKeyId: Buffer): Buffer {
  const issuerKeyId = issuer.subject === undefined ? ownKeyId : issuer.subjectKeyId;
  if (template.setAuthorityKeyId) {
    if (issuerKeyId.length === 0) {
      throw new Error("Invalid Certificate Authority: Could not determine Authority Key Identifier");
    }
    return issuerKeyId;
  }
  return issuerName.equals(template.subject) ? Buffer.alloc(0) : issuerKeyId;
}

function extensions(template: Template, ownKeyId: Buffer, authority: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const bits = template.allowedUses.flatMap((use) => KEY_USAGES[use] ?? []);
  if (bits.length > 0) found.push(extension(OID.keyUsage, true, namedBits(bits)));
  const extended = template.allowedUses.flatMap((use) => EXTENDED_USAGES[use] ?? []);
  if (extended.length > 0) found.push(extension(OID.extendedKeyUsage, false, sequence(...extended.map(oid))));
  found.push(extension(OID.basicConstraints, true, basicConstraints(template)));
  if (ownKeyId.length > 0) found.push(extension(OID.subjectKeyId, false, tlv(Tag.octetString, ownKeyId)));
  if (authority.length > 0) found.push(extension(OID.authorityKeyId, false, sequence(tlv(0x80, authority))));
  if (template.alternativeNames.length > 0) {
    found.push(extension(OID.alternativeNames, isEmptyName(template.subject), template.alternativeNames));
  }
  return found;
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tlv(Tag.boolean, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, tlv(Tag.octetString, value));
}

function basicConstraints({ isCa, maxPathLength }: Template): Buffer {
  if (!isCa && maxPathLength > 0) {
    throw new Error("Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen");
  }
  const flag = isCa ? [tlv(Tag.boolean, Buffer.from([0xff]))] : [];
  return sequence(...flag, ...(maxPathLength > 0 ? [integer(maxPathLength)] : []));
}

/** The SHA-1 of a public key, as the official provider takes it for a subject key identifier. */
function keyId(spki: Buffer): Buffer {
  const bits = publicBits(spki);
  const key = createPublicKey({ key: spki, type: "spki", format: "der" });
  // The official provider wraps an Ed25519 key into an OCTET STRING before it takes the hash.
  const hashed = algorithmOf(key) === "ED25519" ? tlv(Tag.octetString, bits) : bits;
  return createHash("sha1").update(hashed).digest();
}

function signatureAlgorithm(key: KeyObject): Buffer {
  const [algorithm, hash] = [algorithmOf(key), signingHash(key)];
  const id = SIGNATURE_OIDS[hash === undefined ? algorithm : `${algorithm} ${hash}`];
  if (id === undefined) throw new Error(`no signature algorithm for ${algorithm} with ${hash ?? "no hash"}`);
  return sequence(oid(id), ...(algorithm === "RSA" ? [tlv(Tag.null)] : []));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, signatureAlgorithm(key), bitString(sign(signingHash(key), body, key)));
}

/** The content of an extension with alternative names, empty when there are none. Throws for what isn't one. */
export function alternativeNames({ dns, ips, uris }: Names): Buffer {
  if (dns.length + ips.length + uris.length === 0) return Buffer.alloc(0);
  return sequence(
    ...dns.map((name) => tlv(0x82, ascii(name))),
    ...ips.map((ip) => tlv(0x87, ipBytes(ip))),
    ...uris.map((uri) => tlv(0x86, ascii(uri))),
  );
}

function ascii(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.some((byte) => byte >= 0x80))
    throw new Error(`x509: "${value}" cannot be encoded as an IA5String`);
  return bytes;
}

function ipBytes(ip: string): Buffer {
  if (isIP(ip) === 0 || ip.includes("%")) throw new Error(`Invalid IP address: Failed to parse "${ip}"`);
  if (isIPv4(ip)) return Buffer.from(ip.split(".").map(Number));
  const groups = expandIpv6(ip);
  const bytes = Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
  const mapped = new BlockList();
  mapped.addSubnet("::ffff:0:0", 96, "ipv6");
  // An IPv4 address in IPv6 spelling is an IPv4 address to Go.
  return mapped.check(ip, "ipv6") ? bytes.subarray(12) : bytes;
}

function expandIpv6(ip: string): number[] {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const [a = 0, b = 0, c = 0, d = 0] = (dotted ?? []).slice(1).map(Number);
  const hex =
    dotted === null
      ? ip
      : `${ip.slice(0, dotted.index)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const [head = "", tail] = hex.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const [front, back] = [groups(head), groups(tail)];
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

/** Signs a certificate request. */
export function signRequest(subject: Buffer, names: Names, key: KeyObject): Buffer {
  const alternatives = alternativeNames(names);
  const wanted = sequence(extension(OID.alternativeNames, false, alternatives));
  const attributes = alternatives.length === 0 ? [] : [sequence(oid(OID.extensionRequest), setOf(wanted))];
  return signed(sequence(integer(0), subject, publicDer(key), tlv(0xa0, ...attributes)), key);
}

/** What a certificate takes over from a request. */
export interface Request {
  readonly subject: Node;
  readonly spki: Buffer;
  readonly alternativeNames: Buffer;
}

/** Reads a certificate request. Throws when it isn't one. */
export function readRequest(der: Buffer): Request {
  const [info] = children(read(der));
  const [, subject, spki, attributes] = info === undefined ? [] : children(info);
  if (subject === undefined || spki === undefined) throw new Error("failed to parse certificate request");
  const wanted = (attributes === undefined ? [] : children(attributes)).flatMap((attribute) => {
    const [id, values] = children(attribute);
    if (id === undefined || values === undefined || readOid(id) !== OID.extensionRequest) return [];
    return children(values).flatMap(children);
  });
  return {
    subject,
    spki: spki.raw,
    alternativeNames: extensionIn(wanted, OID.alternativeNames) ?? Buffer.alloc(0),
  };
}

function extensionIn(found: readonly Node[], id: string): Buffer | undefined {
  for (const node of found) {
    const parts = children(node);
    if (parts[0] !== undefined && readOid(parts[0]) === id) return parts.at(-1)?.content;
  }
  return undefined;
}

/** What an issuer's certificate says of it. */
export interface Authority {
  readonly subject: Buffer;
  readonly spki: Buffer;
  readonly subjectKeyId: Buffer;
  readonly isCa: boolean;
}

/** Reads an issuer's certificate. Throws when it isn't one. */
export function readAuthority(der: Buffer): Authority {
  const [info] = children(read(der));
  const parts = info === undefined ? [] : children(info);
  const fields = parts[0]?.tag === 0xa0 ? parts.slice(1) : parts;
  const [, , , , subject, spki, ...optional] = fields;
  if (subject === undefined || spki === undefined) throw new Error("failed to parse certificate");
  const wrapper = optional.find((part) => part.tag === 0xa3);
  const found = wrapper === undefined ? [] : children(wrapper).flatMap(children);
  const keyIdValue = extensionIn(found, OID.subjectKeyId);
  const constraints = extensionIn(found, OID.basicConstraints);
  const [ca] = constraints === undefined ? [] : children(read(constraints));
  return {
    subject: subject.raw,
    spki: spki.raw,
    subjectKeyId: keyIdValue === undefined ? Buffer.alloc(0) : read(keyIdValue).content,
    isCa: ca?.tag === Tag.boolean && ca.content[0] === 0xff,
  };
}
