import { unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, secret, text, UNKNOWN } from "../case.ts";
import { ecPem, rsaPem } from "../keys.ts";

const inputs = {
  privateKeyPem: ecPem,
  isCaCertificate: true,
  subject: { commonName: "garden CA", organization: "garden" },
  validityPeriodHours: 87600,
  earlyRenewalHours: 720,
  allowedUses: ["cert_signing", "crl_signing"],
};
const planned = {
  ...inputs,
  privateKeyPem: secret(ecPem),
  readyForRenewal: false,
  setAuthorityKeyId: false,
  setSubjectKeyId: false,
};
/** A time in RFC 3339, with a fraction. */
export const TIME = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/);
/** A certificate in PEM. */
export const CERTIFICATE = text(
  /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----\n$/,
);
const created = {
  ...planned,
  certPem: CERTIFICATE,
  id: text(/^\d{20,39}$/),
  keyAlgorithm: "ECDSA",
  validityStartTime: TIME,
  validityEndTime: TIME,
};
const replaced = (name: string) => ({ replaces: [name], diffs: [name] });

/** Everything replaces but earlyRenewalHours. */
export const selfSignedCert: Cases = {
  type: "tls:index/selfSignedCert:SelfSignedCert",
  inputs,
  checked: { ...inputs, privateKeyPem: secret(ecPem) },
  previewed: {
    ...planned,
    certPem: UNKNOWN,
    id: UNKNOWN,
    keyAlgorithm: UNKNOWN,
    maxPathLength: UNKNOWN,
    validityStartTime: UNKNOWN,
    validityEndTime: UNKNOWN,
  },
  created,
  creations: [
    {
      title: "with everything",
      inputs: {
        maxPathLength: 1,
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        dnsNames: ["garden.example"],
        ipAddresses: ["192.0.2.1", "2001:db8::1"],
        uris: ["urn:garden"],
      },
      created: {
        ...created,
        maxPathLength: 1,
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        dnsNames: ["garden.example"],
        ipAddresses: ["192.0.2.1", "2001:db8::1"],
        uris: ["urn:garden"],
      },
    },
    {
      title: "due at once",
      inputs: { earlyRenewalHours: 87600 },
      created: { ...created, earlyRenewalHours: 87600, readyForRenewal: true },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "private key", after: { privateKeyPem: rsaPem }, verdict: replaced("privateKeyPem") },
    {
      title: "an unknown private key",
      after: { privateKeyPem: unknown },
      verdict: replaced("privateKeyPem"),
    },
    {
      title: "subject",
      after: { subject: { commonName: "other", organization: "garden" } },
      verdict: replaced("subject"),
    },
    {
      title: "less of a subject",
      after: { subject: { commonName: "garden CA" } },
      verdict: replaced("subject"),
    },
    { title: "no subject", after: { subject: null }, verdict: replaced("subject") },
    {
      title: "validityPeriodHours",
      after: { validityPeriodHours: 87601 },
      verdict: replaced("validityPeriodHours"),
    },
    { title: "allowedUses", after: { allowedUses: ["cert_signing"] }, verdict: replaced("allowedUses") },
    {
      title: "allowedUses in another order",
      after: { allowedUses: ["crl_signing", "cert_signing"] },
      verdict: replaced("allowedUses"),
    },
    { title: "dnsNames", after: { dnsNames: ["a"] }, verdict: replaced("dnsNames") },
    { title: "empty dnsNames are a change too", after: { dnsNames: [] }, verdict: replaced("dnsNames") },
    { title: "ipAddresses", after: { ipAddresses: ["192.0.2.1"] }, verdict: replaced("ipAddresses") },
    { title: "uris", after: { uris: ["a:b"] }, verdict: replaced("uris") },
    { title: "isCaCertificate", after: { isCaCertificate: false }, verdict: replaced("isCaCertificate") },
    { title: "setSubjectKeyId", after: { setSubjectKeyId: true }, verdict: replaced("setSubjectKeyId") },
    {
      title: "setAuthorityKeyId",
      after: { setAuthorityKeyId: true },
      verdict: replaced("setAuthorityKeyId"),
    },
    { title: "maxPathLength", after: { maxPathLength: 2 }, verdict: replaced("maxPathLength") },
    {
      title: "maxPathLength is dropped: it stays",
      before: { maxPathLength: 2 },
      after: { maxPathLength: null },
      verdict: "none",
    },
    {
      title: "earlyRenewalHours updates",
      after: { earlyRenewalHours: 24 },
      verdict: { diffs: ["earlyRenewalHours"] },
      previewed: { ...created, earlyRenewalHours: 24 },
      updated: { ...created, earlyRenewalHours: 24 },
    },
    {
      title: "earlyRenewalHours that make it due",
      after: { earlyRenewalHours: 87600 },
      verdict: { replaces: ["readyForRenewal"], diffs: ["earlyRenewalHours", "readyForRenewal"] },
    },
    {
      title: "due by itself",
      before: { validityPeriodHours: 0 },
      after: {},
      verdict: { replaces: ["readyForRenewal"], diffs: ["readyForRenewal"] },
    },
    {
      title: "no longer due",
      before: { earlyRenewalHours: 87600 },
      after: { earlyRenewalHours: 1 },
      verdict: { diffs: ["earlyRenewalHours", "readyForRenewal"] },
    },
  ],
  refusals: [
    { title: "no key", inputs: { privateKeyPem: null }, says: /Missing required property 'privateKeyPem'/ },
    {
      title: "an unknown use",
      inputs: { allowedUses: ["serving"] },
      says: /(allowed_uses|allowedUses)\[0\].*one of/,
    },
    {
      title: "a negative validity",
      inputs: { validityPeriodHours: -1 },
      says: /must be at least 0, got: -1/,
    },
    {
      title: "an unknown part of the subject",
      inputs: { subject: { name: "x" } },
      says: /subject\.name/,
      standInOnly: true,
    },
  ],
  failures: [
    {
      title: "not a key",
      inputs: { privateKeyPem: "x" },
      says: /^Failed to parse private key PEM: failed to decode PEM block/,
    },
    {
      title: "not an address",
      inputs: { ipAddresses: ["x"] },
      says: 'Invalid IP address: Failed to parse "x"',
    },
    {
      title: "an authority without a name",
      inputs: { subject: null },
      says: /^Invalid Certificate Subject: Must contain at least one Distinguished Name/,
    },
    {
      title: "a path length without an authority",
      inputs: { isCaCertificate: false, maxPathLength: 1 },
      says: "Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen",
    },
    {
      title: "an authority's key id without a subject's",
      inputs: { isCaCertificate: false, setAuthorityKeyId: true },
      says: "Invalid Certificate Authority: Could not determine Authority Key Identifier",
    },
  ],
};
