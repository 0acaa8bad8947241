/** What can be said about a certificate of an ACME server. */
import * as z from "zod";
import { certificatesIn } from "./pem.ts";
import { setting } from "./schema.ts";

/** The kind of key that an ACME certificate gets: P-256, or RSA with 2048 bits. */
export type KeyType = "ecdsa" | "rsa";

/** https://letsencrypt.org/docs/acme-protocol-updates/ and /docs/staging-environment/ */
export const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
export const LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

/** Let's Encrypt's only profile with IP addresses (https://letsencrypt.org/docs/profiles/). */
export const PROFILE_OF_ADDRESS = "shortlived";

// One "@", and nothing that a command line or a mail's header could misread.
const email = setting(
  z
    .string()
    .max(254)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/),
  {
    description:
      "Your address for the ACME server's account. Only for `acme`. Let's Encrypt needs none and sends no reminders.",
    type: "mail address",
    allowed: "a mail address",
    example: "me@example.com",
  },
);

const directory = setting(z.string().max(500), {
  description:
    "The directory of the ACME server that issues the certificate. Only for `acme`. A change gets a new certificate.",
  type: "URL",
  allowed: "an https URL without user, query and fragment",
  example: LETS_ENCRYPT,
  default: `\`"${LETS_ENCRYPT}"\``,
}).check((context) => {
  if (isDirectory(context.value)) return;
  context.issues.push({
    code: "custom",
    message: "is not the URL of an ACME directory",
    input: context.value,
  });
});

/** RFC 8555, section 6.1: ACME is spoken over HTTPS only. The characters mean nothing to a shell, and name no user. */
function isDirectory(text: string): boolean {
  return /^https:\/\/[A-Za-z0-9._~:[\]/%-]+$/.test(text) && URL.canParse(text);
}

const staging = z.preprocess(
  (value) => (value === "true" ? true : value === "false" ? false : value),
  setting(z.boolean(), {
    description:
      "Let's Encrypt's staging server, whose limits are far: to try things out. Nobody trusts its certificates, Telegram neither. Only for `acme`. A change gets a new certificate.",
    type: "yes or no",
    allowed: "true or false",
    example: "true",
  }),
);

const authority = setting(z.string().max(100_000), {
  description:
    "For an ACME server that only you trust: the certificates, in PEM, of the CAs of its own HTTPS and of what it issues. Your Bot API server must trust them too; Telegram's doesn't. Another source that is uploaded to Telegram is uploaded with them, so that a change between the two loses nothing.",
  type: "certificates",
  allowed: "one or more certificates in PEM (BEGIN CERTIFICATE), without a key",
  example: "< ca.pem",
  // What is given in its place by mistake may be a key.
  secret: true,
}).check((context) => {
  const certificates = certificatesIn(context.value);
  if (typeof certificates !== "string") return;
  context.issues.push({ code: "custom", message: certificates, input: context.value });
});

const keyType = setting(z.enum(["ecdsa", "rsa"]), {
  description:
    "The certificate's kind of key: `ecdsa` (P-256), or `rsa` (2048 bits) for very old clients. Only for `acme`. A change gets a new certificate.",
  type: "text",
  allowed: "ecdsa or rsa",
  example: "ecdsa",
});

const profile = setting(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), {
  description:
    "The ACME server's certificate profile (Let's Encrypt's are classic, tlsserver and shortlived). Only for `acme`. A change gets a new certificate.",
  type: "text",
  allowed: "the name of a profile",
  example: "tlsserver",
  default: `\`"${PROFILE_OF_ADDRESS}"\` with an IP address, else the server's own`,
});

/** The settings of the section `certificate` that are for `acme` alone. */
export const acmeShape = {
  email: email.optional(),
  directory: directory.optional(),
  staging: staging.prefault(false),
  authority: authority.optional(),
  keyType: keyType.prefault("ecdsa"),
  profile: profile.optional(),
};
