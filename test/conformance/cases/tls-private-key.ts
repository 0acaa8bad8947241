import { unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, secret, text, UNKNOWN } from "../case.ts";

const pem = (type: string): unknown =>
  text(new RegExp(`^-----BEGIN ${type}-----\\n([A-Za-z0-9+/=]{1,64}\\n)+-----END ${type}-----\\n$`));
const outputs = [
  "id",
  "privateKeyOpenssh",
  "privateKeyPem",
  "privateKeyPemPkcs8",
  "publicKeyFingerprintMd5",
  "publicKeyFingerprintSha256",
  "publicKeyOpenssh",
  "publicKeyPem",
];
const made = (type: string, ssh: RegExp) => ({
  __meta: '{"schema_version":"1"}',
  rsaBits: 2048,
  id: text(/^[0-9a-f]{40}$/),
  privateKeyPem: secret(pem(type)),
  privateKeyPemPkcs8: secret(pem("PRIVATE KEY")),
  privateKeyOpenssh: secret(pem("OPENSSH PRIVATE KEY")),
  publicKeyPem: pem("PUBLIC KEY"),
  publicKeyOpenssh: text(ssh),
  publicKeyFingerprintMd5: text(/^[0-9a-f]{2}(:[0-9a-f]{2}){15}$/),
  publicKeyFingerprintSha256: text(/^SHA256:[A-Za-z0-9+/]{43}$/),
});
/** A change replaces, and makes every output unknown. */
const replaced = (name: string) => ({ replaces: [name], diffs: [...outputs, name].sort() });

/** Key pairs; the defaults (2048 bits, curve P224) appear in outputs of every algorithm. */
export const privateKey: Cases = {
  type: "tls:index/privateKey:PrivateKey",
  inputs: { algorithm: "ECDSA", ecdsaCurve: "P256" },
  previewed: {
    algorithm: "ECDSA",
    ecdsaCurve: "P256",
    rsaBits: 2048,
    ...Object.fromEntries(outputs.map((name) => [name, UNKNOWN])),
  },
  created: {
    ...made("EC PRIVATE KEY", /^ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY[A-Za-z0-9+/]+=*\n$/),
    algorithm: "ECDSA",
    ecdsaCurve: "P256",
  },
  creations: [
    {
      title: "Ed25519",
      inputs: { algorithm: "ED25519", ecdsaCurve: null },
      created: {
        ...made("PRIVATE KEY", /^ssh-ed25519 [A-Za-z0-9+/]{68}\n$/),
        algorithm: "ED25519",
        ecdsaCurve: "P224",
      },
    },
    {
      title: "RSA",
      inputs: { algorithm: "RSA", ecdsaCurve: null },
      created: {
        ...made("RSA PRIVATE KEY", /^ssh-rsa [A-Za-z0-9+/]+=*\n$/),
        algorithm: "RSA",
        ecdsaCurve: "P224",
      },
    },
    {
      title: "P521",
      inputs: { ecdsaCurve: "P521" },
      created: {
        ...made("EC PRIVATE KEY", /^ecdsa-sha2-nistp521 [A-Za-z0-9+/]+=*\n$/),
        algorithm: "ECDSA",
        ecdsaCurve: "P521",
      },
    },
    {
      title: "P224, which OpenSSH doesn't know",
      inputs: { ecdsaCurve: null },
      created: {
        ...made("EC PRIVATE KEY", /^$/),
        algorithm: "ECDSA",
        ecdsaCurve: "P224",
        privateKeyOpenssh: secret(""),
        publicKeyFingerprintMd5: "",
        publicKeyFingerprintSha256: "",
      },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "algorithm", after: { algorithm: "RSA" }, verdict: replaced("algorithm") },
    { title: "curve", after: { ecdsaCurve: "P384" }, verdict: replaced("ecdsaCurve") },
    { title: "curve back to its default", after: { ecdsaCurve: null }, verdict: replaced("ecdsaCurve") },
    { title: "bits, even of another algorithm", after: { rsaBits: 4096 }, verdict: replaced("rsaBits") },
    { title: "bits as they are by default", after: { rsaBits: 2048 }, verdict: "none" },
    { title: "an unknown algorithm", after: { algorithm: unknown }, verdict: replaced("algorithm") },
  ],
  refusals: [
    { title: "no algorithm", inputs: { algorithm: null }, says: /Missing required property 'algorithm'/ },
    { title: "an unknown algorithm", inputs: { algorithm: "DSA" }, says: /algorithm.*one of/ },
    { title: "an unknown curve", inputs: { ecdsaCurve: "P1" }, says: /(ecdsa_curve|ecdsaCurve).*one of/ },
  ],
};
