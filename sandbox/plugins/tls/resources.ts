/** The resources of the tls provider 5.6.1 (terraform-provider-tls 4.x). */
import { createPublicKey, type KeyObject } from "node:crypto";
import type { CheckFailure, Field, Fields, Resource } from "../framework/resource.ts";
import { type PropertyMap, Unknown, type Value } from "../framework/values.ts";
import { fromPem, toPem } from "./der.ts";
import { algorithmOf, CURVE_NAMES, makeKey, publicDer, readKey, sha1OfTrimmed, spellings } from "./keys.ts";
import { copiedName, isEmptyName, subjectName } from "./names.ts";
import { USES } from "./usages.ts";
import { endOfValidity, planRenewal, readRenewal, timeText } from "./validity.ts";
import {
  alternativeNames,
  type Issuer,
  type Names,
  readAuthority,
  readRequest,
  signCertificate,
  signRequest,
} from "./x509.ts";

const output: Field = { kind: "string", output: true };
/** An output that a change makes unknown until it is made anew. */
const fresh: Field = { ...output, fresh: true };
const freshSecret: Field = { ...fresh, secret: true };
const texts: Field = { kind: "list", replace: true };
const flag: Field = { kind: "bool", default: false, replace: true };
/** A PEM replaces only what was one: older states held hashes of them. */
const pem: Field = { kind: "string", required: true, replace: true, replaceIf: wasPem };
const secretPem: Field = { ...pem, secret: true };

function wasPem(before: Value): boolean {
  return (
    typeof before === "string" &&
    /^-----BEGIN [A-Za-z ]+-----\n[\s\S]+\n-----END [A-Za-z ]+-----\n?$/.test(before)
  );
}

/** A key pair. */
export const privateKey: Resource<null> = {
  type: "tls:index/privateKey:PrivateKey",
  schemaVersion: 1,
  fields: {
    algorithm: { kind: "string", required: true, replace: true, oneOf: ["RSA", "ECDSA", "ED25519"] },
    rsaBits: { kind: "int", default: 2048, replace: true },
    ecdsaCurve: { kind: "string", default: "P224", replace: true, oneOf: CURVE_NAMES },
    privateKeyPem: freshSecret,
    privateKeyOpenssh: freshSecret,
    privateKeyPemPkcs8: freshSecret,
    publicKeyPem: fresh,
    publicKeyOpenssh: fresh,
    publicKeyFingerprintMd5: fresh,
    publicKeyFingerprintSha256: fresh,
    id: fresh,
  },
  create: async ({ planned }) => {
    const { algorithm, rsaBits, ecdsaCurve } = planned;
    const state = spellings(
      await makeKey(String(algorithm as string), Number(rsaBits), String(ecdsaCurve as string)),
    );
    return { id: state.id ?? "", state };
  },
};

const subjectFields: Fields = {
  commonName: { kind: "string" },
  country: { kind: "string" },
  emailAddress: { kind: "string" },
  locality: { kind: "string" },
  organization: { kind: "string" },
  organizationalUnit: { kind: "string" },
  postalCode: { kind: "string" },
  province: { kind: "string" },
  serialNumber: { kind: "string" },
  streetAddresses: { kind: "list" },
};

/** What self-signed certificates and requests are about. */
const namedFields: Fields = {
  privateKeyPem: secretPem,
  subject: { kind: "object", fields: subjectFields, replace: true },
  dnsNames: texts,
  ipAddresses: texts,
  uris: texts,
  keyAlgorithm: output,
  id: output,
};

/** What all certificates have. */
const certificateFields: Fields = {
  validityPeriodHours: { kind: "int", required: true, replace: true },
  allowedUses: { kind: "list", required: true, replace: true, of: { kind: "string", oneOf: USES } },
  earlyRenewalHours: { kind: "int", default: 0 },
  isCaCertificate: flag,
  maxPathLength: { kind: "int", computed: true, replace: true },
  setSubjectKeyId: flag,
  readyForRenewal: {
    kind: "bool",
    output: true,
    replace: true,
    replaceIf: (_, after) => after instanceof Unknown,
  },
  certPem: output,
  validityStartTime: output,
  validityEndTime: output,
  id: output,
};

/** A certificate signed with its own key. */
export const selfSignedCert: Resource<null> = {
  type: "tls:index/selfSignedCert:SelfSignedCert",
  fields: { ...namedFields, ...certificateFields, setAuthorityKeyId: flag },
  check: checkHours,
  plan: planRenewal,
  create: ({ planned }) => {
    const key = keyOf(planned.privateKeyPem, "private key");
    const subject = subjectName(planned.subject);
    const names = alternativeNames(namesOf(planned));
    const made = certify(planned, subject, publicDer(key), names, { key, subjectKeyId: Buffer.alloc(0) });
    return Promise.resolve({ id: made.id, state: { ...made, keyAlgorithm: algorithmOf(key) } });
  },
  read: ({ id, state }) => Promise.resolve({ id, state: readRenewal(state) }),
  update: () => Promise.resolve({}),
};

/** A request for a certificate. */
export const certRequest: Resource<null> = {
  type: "tls:index/certRequest:CertRequest",
  fields: { ...namedFields, certRequestPem: output },
  create: ({ planned }) => {
    const key = keyOf(planned.privateKeyPem, "private key");
    const der = signRequest(subjectName(planned.subject), namesOf(planned), key);
    const id = sha1OfTrimmed(der);
    const state = { id, keyAlgorithm: algorithmOf(key), certRequestPem: toPem("CERTIFICATE REQUEST", der) };
    return Promise.resolve({ id, state });
  },
  update: () => Promise.resolve({}),
};

/** A certificate for a request, signed by an authority whose key the program has. */
export const locallySignedCert: Resource<null> = {
  type: "tls:index/locallySignedCert:LocallySignedCert",
  fields: {
    ...certificateFields,
    caCertPem: pem,
    caPrivateKeyPem: secretPem,
    certRequestPem: pem,
    caKeyAlgorithm: output,
  },
  check: checkHours,
  plan: planRenewal,
  create: ({ planned, log }) => {
    const request = readRequest(pemOf(planned.certRequestPem, "CERTIFICATE REQUEST", "certificate request"));
    const key = keyOf(planned.caPrivateKeyPem, "CA private key");
    const authority = readAuthority(pemOf(planned.caCertPem, "CERTIFICATE", "CA certificate"));
    if (!authority.isCa) log("warning", NO_AUTHORITY);
    if (
      !publicDer(key).equals(publicDer(createPublicKey({ key: authority.spki, type: "spki", format: "der" })))
    ) {
      throw new Error(
        "Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey",
      );
    }
    const issuer = { key, subject: authority.subject, subjectKeyId: authority.subjectKeyId };
    const made = certify(
      planned,
      copiedName(request.subject),
      request.spki,
      request.alternativeNames,
      issuer,
    );
    return Promise.resolve({ id: made.id, state: { ...made, caKeyAlgorithm: algorithmOf(key) } });
  },
  read: ({ id, state }) => Promise.resolve({ id, state: readRenewal(state) }),
  update: () => Promise.resolve({}),
};

const NO_AUTHORITY =
  "Potentially Invalid Certificate Authority: Certificate provided as Authority does not appear to be a valid Certificate Authority. The resulting certificate might fail certificate validation.";

interface Certified {
  readonly [name: string]: Value;
  readonly id: string;
}

function certify(
  planned: PropertyMap,
  subject: Buffer,
  spki: Buffer,
  names: Buffer,
  issuer: Issuer,
): Certified {
  const isCa = planned.isCaCertificate === true;
  if (isCa && isEmptyName(subject)) {
    throw new Error(
      "Invalid Certificate Subject: Must contain at least one Distinguished Name when creating Certificate Authority (CA)",
    );
  }
  const notBefore = new Date();
  const notAfter = endOfValidity(notBefore, Number(planned.validityPeriodHours));
  const maxPathLength = planned.maxPathLength;
  const { der, serial } = signCertificate(
    {
      subject,
      spki,
      alternativeNames: names,
      notBefore,
      notAfter,
      allowedUses: stringsOf(planned.allowedUses),
      isCa,
      maxPathLength: typeof maxPathLength === "number" ? maxPathLength : -1,
      setSubjectKeyId: planned.setSubjectKeyId === true,
      setAuthorityKeyId: planned.setAuthorityKeyId === true,
    },
    issuer,
  );
  return {
    id: serial.toString(),
    certPem: toPem("CERTIFICATE", der),
    validityStartTime: timeText(notBefore),
    validityEndTime: timeText(notAfter),
  };
}

function keyOf(value: Value | undefined, what: string): KeyObject {
  try {
    return readKey(typeof value === "string" ? value : "");
  } catch (error) {
    throw new Error(`Failed to parse ${what} PEM: ${error instanceof Error ? error.message : ""}`);
  }
}

function pemOf(value: Value | undefined, type: string, what: string): Buffer {
  const failed = `Failed to parse ${what} PEM`;
  if (typeof value !== "string") throw new Error(`${failed}: it is not a text`);
  try {
    const found = fromPem(value);
    if (found.type === type) return found.der;
    throw new Error(`invalid PEM type - expected "${type}", got "${found.type}"`);
  } catch (error) {
    throw new Error(`${failed}: ${error instanceof Error ? error.message : ""}`);
  }
}

function namesOf(planned: PropertyMap): Names {
  const { dnsNames, ipAddresses, uris } = planned;
  return { dns: stringsOf(dnsNames), ips: stringsOf(ipAddresses), uris: stringsOf(uris) };
}

function stringsOf(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function checkHours({ inputs }: { inputs: PropertyMap }): { inputs: PropertyMap; failures: CheckFailure[] } {
  const least = { validityPeriodHours: 0, earlyRenewalHours: 0, maxPathLength: -1 };
  const failures = Object.entries(least).flatMap(([name, floor]): CheckFailure[] => {
    const value = inputs[name];
    if (typeof value !== "number" || value >= floor) return [];
    const reason = `Invalid Attribute Value. Attribute ${name} value must be at least ${floor}, got: ${value}`;
    return [{ property: "", reason }];
  });
  return { inputs, failures };
}
