/** ASN.1 in DER (ITU-T X.690): as much as certificates, requests and keys need. */

/** Universal tags, with the constructed bit where it belongs. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value: tag, length, content. */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** A SEQUENCE. */
export function sequence(...content: readonly Uint8Array[]): Buffer {
  return tlv(Tag.sequence, ...content);
}

/** A SET OF: its elements in order of their bytes. */
export function setOf(...content: readonly Uint8Array[]): Buffer {
  return tlv(Tag.set, ...[...content].sort((a, b) => Buffer.compare(a, b)));
}

/** An INTEGER that isn't negative, from its big-endian bytes. */
export function unsigned(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const needed = bytes.subarray(start);
  const sign = (needed[0] ?? 0) >= 0x80 || needed.length === 0 ? Buffer.from([0]) : Buffer.alloc(0);
  return tlv(Tag.integer, sign, needed);
}

/** An INTEGER from a number that isn't negative. */
export function integer(value: number | bigint): Buffer {
  const hex = value.toString(16);
  return unsigned(Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex"));
}

/** An OBJECT IDENTIFIER from its dotted text. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tlv(Tag.oid, Buffer.from(bytes));
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return tlv(Tag.bitString, Buffer.from([0]), bytes);
}

/** A BIT STRING of named bits: bit 0 is the first; zeros at the end are left out. */
export function namedBits(bits: readonly number[]): Buffer {
  const last = Math.max(...bits);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of bits)
    bytes[Math.floor(bit / 8)] = (bytes[Math.floor(bit / 8)] ?? 0) | (0x80 >> (bit % 8));
  return tlv(Tag.bitString, Buffer.from([7 - (last % 8)]), bytes);
}

/** A text: PrintableString where all of it may be, else UTF8String. */
export function text(value: string): Buffer {
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value);
  return tlv(printable ? Tag.printableString : Tag.utf8String, Buffer.from(value));
}

/** A time to the second: UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  const year = at.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? tlv(Tag.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : tlv(Tag.generalizedTime, Buffer.from(`${digits}Z`));
}

/** A value that was read: `raw` is all of it, `content` what it holds. */
export interface Node {
  readonly tag: number;
  readonly content: Buffer;
  readonly raw: Buffer;
}

/** Reads one value. Throws when the bytes end early or more follow. */
export function read(bytes: Uint8Array): Node {
  const { node, rest } = readFirst(Buffer.from(bytes));
  if (rest.length > 0) throw new Error("DER: there are bytes after the end of the value");
  return node;
}

/** The values inside a SEQUENCE, a SET or an explicit tag. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  for (let rest = node.content; rest.length > 0; ) {
    const next = readFirst(rest);
    found.push(next.node);
    rest = next.rest;
  }
  return found;
}

function readFirst(bytes: Buffer): { node: Node; rest: Buffer } {
  const [tag, short] = [bytes[0], bytes[1]];
  if (tag === undefined || short === undefined) throw new Error("DER: the value ends early");
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (short === 0x80 || lengthBytes > 4 || bytes.length < 2 + lengthBytes) throw new Error("DER: bad length");
  const length = lengthBytes === 0 ? short : bytes.readUIntBE(2, lengthBytes);
  const start = 2 + lengthBytes;
  if (bytes.length < start + length) throw new Error("DER: the value ends early");
  const node = {
    tag,
    content: bytes.subarray(start, start + length),
    raw: bytes.subarray(0, start + length),
  };
  return { node, rest: bytes.subarray(start + length) };
}

/** An OBJECT IDENTIFIER as its dotted text. */
export function readOid(node: Node): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of node.content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join(".");
}

/** A PEM block with lines of 64 characters and a line break at its end. */
export function toPem(type: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${type}-----`, ...lines, `-----END ${type}-----`, ""].join("\n");
}

/** The first PEM block of a text. Throws when there is none. */
export function fromPem(pem: string): { type: string; der: Buffer } {
  const match = /-----BEGIN ([^\n-]+)-----\r?\n([A-Za-z0-9+/=\s]*)-----END \1-----/.exec(pem);
  if (match === null) throw new Error("failed to decode PEM block");
  return { type: match[1] ?? "", der: Buffer.from(match[2] ?? "", "base64") };
}
