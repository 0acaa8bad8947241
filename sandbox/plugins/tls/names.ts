/** Distinguished names: from a program's subject, and from one certificate or request into another. */

import { isMap, type Value } from "../framework/values.ts";
import { children, type Node, oid, read, readOid, sequence, setOf, Tag, text, tlv } from "./der.ts";

/** Attributes in the order in which Go's crypto/x509 writes them. */
const ATTRIBUTES = [
  { input: "country", oid: "2.5.4.6" },
  { input: "province", oid: "2.5.4.8" },
  { input: "locality", oid: "2.5.4.7" },
  { input: "streetAddresses", oid: "2.5.4.9" },
  { input: "postalCode", oid: "2.5.4.17" },
  { input: "organization", oid: "2.5.4.10" },
  { input: "organizationalUnit", oid: "2.5.4.11" },
  { input: "commonName", oid: "2.5.4.3" },
  { input: "serialNumber", oid: "2.5.4.5" },
] as const;
const EMAIL_OID = "1.2.840.113549.1.9.1";
/** Names of which Go keeps only the last and leaves out an empty one. */
const SINGLE: readonly string[] = ["commonName", "serialNumber"];

/** The subject of an input, in DER. An absent one is the empty name. */
export function subjectName(subject: Value | undefined): Buffer {
  const given = isMap(subject) ? subject : {};
  const parts = ATTRIBUTES.map(({ input, oid: type }) => {
    const value = given[input];
    const values = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
    const texts = values.filter((one) => typeof one === "string");
    return rdn(type, SINGLE.includes(input) ? texts.filter((one) => one !== "") : texts);
  });
  const email = given.emailAddress;
  const tail =
    typeof email === "string"
      ? [setOf(sequence(oid(EMAIL_OID), tlv(Tag.ia5String, Buffer.from(email))))]
      : [];
  return sequence(...parts, ...tail);
}

function rdn(type: string, values: readonly string[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  return setOf(...values.map((value) => sequence(oid(type), text(value))));
}

/**
 * A name as Go's crypto/x509 copies it from a request: the attributes that it knows, in its own order, in its own
 * string types; others, such as the e-mail address, are lost.
 */
export function copiedName(name: Node): Buffer {
  const found = new Map<string, string[]>();
  for (const pair of children(name).flatMap(children)) {
    const [type, value] = children(pair);
    if (type === undefined || value === undefined) continue;
    const id = readOid(type);
    found.set(id, [...(found.get(id) ?? []), value.content.toString("utf8")]);
  }
  return sequence(
    ...ATTRIBUTES.map(({ input, oid: id }) => {
      const values = found.get(id) ?? [];
      return rdn(id, SINGLE.includes(input) ? values.slice(-1) : values);
    }),
  );
}

/** Whether a name has no attribute. */
export function isEmptyName(name: Uint8Array): boolean {
  return read(name).content.length === 0;
}
