/** Keys that the tls cases share: made anew for every run, so that no private key lies in the repository. */
import { generateKeyPairSync } from "node:crypto";

const ec = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;

/** An ECDSA P-256 private key as a tls.PrivateKey gives it. */
export const ecPem = ec.export({ type: "sec1", format: "pem" }).toString();
/** Another one. */
export const otherEcPem = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  .privateKey.export({ type: "sec1", format: "pem" })
  .toString();
/** An RSA private key as a tls.PrivateKey gives it. */
export const rsaPem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
/** An Ed25519 private key as a tls.PrivateKey gives it. */
export const edPem = generateKeyPairSync("ed25519")
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
