import { type Cases, secret, text, UNKNOWN } from "../case.ts";
import { otherEcPem, rsaPem } from "../keys.ts";

const inputs = {
  privateKeyPem: rsaPem,
  subject: { commonName: "postgres" },
  dnsNames: ["postgres", "localhost"],
  ipAddresses: ["127.0.0.1"],
};
const planned = { ...inputs, privateKeyPem: secret(rsaPem) };
const replaced = (name: string) => ({ replaces: [name], diffs: [name] });

/** Everything replaces. */
export const certRequest: Cases = {
  type: "tls:index/certRequest:CertRequest",
  inputs,
  checked: planned,
  previewed: { ...planned, certRequestPem: UNKNOWN, id: UNKNOWN, keyAlgorithm: UNKNOWN },
  created: {
    ...planned,
    id: text(/^[0-9a-f]{40}$/),
    keyAlgorithm: "RSA",
    certRequestPem: text(
      /^-----BEGIN CERTIFICATE REQUEST-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE REQUEST-----\n$/,
    ),
  },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "private key", after: { privateKeyPem: otherEcPem }, verdict: replaced("privateKeyPem") },
    { title: "subject", after: { subject: { commonName: "other" } }, verdict: replaced("subject") },
    { title: "dnsNames", after: { dnsNames: ["postgres"] }, verdict: replaced("dnsNames") },
    { title: "ipAddresses", after: { ipAddresses: null }, verdict: replaced("ipAddresses") },
    { title: "uris", after: { uris: ["a:b"] }, verdict: replaced("uris") },
  ],
  refusals: [
    { title: "no key", inputs: { privateKeyPem: null }, says: /Missing required property 'privateKeyPem'/ },
  ],
  failures: [
    {
      title: "not an address",
      inputs: { ipAddresses: ["1.2.3"] },
      says: 'Invalid IP address: Failed to parse "1.2.3"',
    },
  ],
};
