import { readFileSync } from "node:fs";

/**
 * What Telegram is given for a certificate of one's own: its root, and those that the garden may come from or turn to. A
 * webhook with an uploaded file trusts that file alone, so a change between the two kinds is then trusted at every moment.
 *
 * @param root PEM of the certificate's own root
 * @param authority PEM of an ACME server of one's own, if there is one
 */
export function trustedWith(root: string, authority: string | undefined): string {
  return [root, letsEncryptRoots(), authority ?? ""]
    .map((pem) => pem.trim())
    .filter((pem) => pem !== "")
    .join("\n");
}

/** ISRG Root X1 and X2, which the newer roots are cross-signed by (letsencrypt.org/certificates), as PEM. */
function letsEncryptRoots(): string {
  return readFileSync(new URL("lets-encrypt-roots.pem", import.meta.url), "utf8");
}
