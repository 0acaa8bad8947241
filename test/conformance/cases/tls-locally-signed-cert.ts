import type { PropertyMap } from "../../../sandbox/plugins/framework/values.ts";
import { mapWithoutSecrets } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, pluginFor, secret, text, UNKNOWN } from "../case.ts";
import { startPlugin } from "../harness.ts";
import { ecPem, otherEcPem, rsaPem } from "../keys.ts";
import { CERTIFICATE, TIME } from "./tls-self-signed-cert.ts";

const PEM = text(/^-----BEGIN CERTIFICATE( REQUEST)?-----\n/);
const planned = {
  allowedUses: ["server_auth", "digital_signature", "key_encipherment"],
  caCertPem: PEM,
  caPrivateKeyPem: secret(ecPem),
  certRequestPem: PEM,
  earlyRenewalHours: 0,
  isCaCertificate: false,
  readyForRenewal: false,
  setSubjectKeyId: false,
  validityPeriodHours: 8760,
};
const created = {
  ...planned,
  caKeyAlgorithm: "ECDSA",
  certPem: CERTIFICATE,
  id: text(/^\d{20,39}$/),
  validityStartTime: TIME,
  validityEndTime: TIME,
};
const replaced = (name: string) => ({ replaces: [name], diffs: [name] });

/** An authority and a request, made by the same plugin. */
async function authorityAndRequest(): Promise<PropertyMap> {
  const plugin = await startPlugin(pluginFor("tls"));
  try {
    await plugin.configure({ version: "5.6.1" });
    const authority = await plugin.create(
      { type: "tls:index/selfSignedCert:SelfSignedCert", name: "ca" },
      {
        privateKeyPem: ecPem,
        isCaCertificate: true,
        subject: { commonName: "garden CA" },
        validityPeriodHours: 87600,
        allowedUses: ["cert_signing"],
      },
    );
    const request = await plugin.create(
      { type: "tls:index/certRequest:CertRequest", name: "csr" },
      { privateKeyPem: rsaPem, subject: { commonName: "postgres" }, dnsNames: ["postgres"] },
    );
    return {
      caPrivateKeyPem: ecPem,
      caCertPem: mapWithoutSecrets(authority.state).certPem ?? null,
      certRequestPem: mapWithoutSecrets(request.state).certRequestPem ?? null,
      validityPeriodHours: 8760,
      allowedUses: ["server_auth", "digital_signature", "key_encipherment"],
    };
  } finally {
    await plugin.stop();
  }
}

/** Everything replaces but earlyRenewalHours. */
export const locallySignedCert: Cases = {
  type: "tls:index/locallySignedCert:LocallySignedCert",
  inputs: authorityAndRequest,
  checked: {
    allowedUses: ["server_auth", "digital_signature", "key_encipherment"],
    caCertPem: PEM,
    caPrivateKeyPem: secret(ecPem),
    certRequestPem: PEM,
    validityPeriodHours: 8760,
  },
  previewed: {
    ...planned,
    caKeyAlgorithm: UNKNOWN,
    certPem: UNKNOWN,
    id: UNKNOWN,
    maxPathLength: UNKNOWN,
    validityStartTime: UNKNOWN,
    validityEndTime: UNKNOWN,
  },
  created,
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "validityPeriodHours",
      after: { validityPeriodHours: 9000 },
      verdict: replaced("validityPeriodHours"),
    },
    { title: "allowedUses", after: { allowedUses: ["server_auth"] }, verdict: replaced("allowedUses") },
    {
      title: "the authority's key",
      after: { caPrivateKeyPem: otherEcPem },
      verdict: replaced("caPrivateKeyPem"),
    },
    { title: "isCaCertificate", after: { isCaCertificate: true }, verdict: replaced("isCaCertificate") },
    { title: "maxPathLength", after: { maxPathLength: 1 }, verdict: replaced("maxPathLength") },
    { title: "setSubjectKeyId", after: { setSubjectKeyId: true }, verdict: replaced("setSubjectKeyId") },
    {
      title: "earlyRenewalHours updates",
      after: { earlyRenewalHours: 24 },
      verdict: { diffs: ["earlyRenewalHours"] },
      previewed: { ...created, earlyRenewalHours: 24 },
      updated: { ...created, earlyRenewalHours: 24 },
    },
    {
      title: "earlyRenewalHours that make it due",
      after: { earlyRenewalHours: 8760 },
      verdict: { replaces: ["readyForRenewal"], diffs: ["earlyRenewalHours", "readyForRenewal"] },
    },
  ],
  refusals: [
    {
      title: "no request",
      inputs: { certRequestPem: null },
      says: /Missing required property 'certRequestPem'/,
    },
  ],
  failures: [
    {
      title: "a key that isn't the authority's",
      inputs: { caPrivateKeyPem: otherEcPem },
      says: "Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey",
    },
    {
      title: "not a request",
      inputs: { certRequestPem: "x" },
      says: /^Failed to parse certificate request PEM: failed to decode PEM/,
    },
    {
      title: "a key for a request",
      inputs: { certRequestPem: ecPem },
      says: 'Failed to parse certificate request PEM: invalid PEM type - expected "CERTIFICATE REQUEST", got "EC PRIVATE KEY"',
    },
  ],
};
