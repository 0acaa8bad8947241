/** Where the edge's certificate comes from. */
import * as z from "zod";
import { acmeShape, type KeyType, LETS_ENCRYPT, LETS_ENCRYPT_STAGING, PROFILE_OF_ADDRESS } from "./acme.ts";
import { domainProblem } from "./domain.ts";
import { filePathSchema } from "./file-path.ts";
import { rule, setting } from "./schema.ts";

/** The certificate of the edge, with every default filled in. */
export type CertificateSettings = AcmeCertificate | PrivateCertificate | FilesCertificate;

/** A certificate that certbot gets from an ACME server, by default from Let's Encrypt. */
export interface AcmeCertificate {
  readonly source: "acme";
  readonly email?: string;
  /** URL of the ACME server's directory. */
  readonly directory: string;
  /** PEM: the CAs of an ACME server of the user's own, of its own TLS and of what it issues. */
  readonly authority?: string;
  readonly extraDomains: readonly string[];
  readonly keyType: KeyType;
  readonly profile?: string;
}

/** A certificate of the garden's own CA, whose own certificate Telegram gets with setWebhook. */
export interface PrivateCertificate {
  readonly source: "private";
  readonly extraDomains: readonly string[];
  /** PEM: see `AcmeCertificate`; Telegram is given it as well. */
  readonly authority?: string;
}

/** A certificate that the operator brings. The key is no setting: it is a secret of the stack. */
export interface FilesCertificate {
  readonly source: "files";
  /** As the user wrote it: absolute, from `~/`, or relative to the project. */
  readonly chainFile: string;
  readonly extraDomains: readonly string[];
  /** PEM: see `AcmeCertificate`; Telegram is given it as well. */
  readonly authority?: string;
}

/** Let's Encrypt takes 100 names in a certificate; one is the garden's own. */
const MOST_EXTRA_DOMAINS = 99;

const source = setting(z.enum(["acme", "private", "files"]), {
  description:
    "Where the certificate comes from: `acme` from Let's Encrypt or another ACME server, renewed by itself; `private` from a CA of the garden's own that is given to Telegram, and that no browser trusts; `files` from you (`chainFile` and the secret `certificateKey`). A change sets every bot's webhook anew.",
  type: "text",
  allowed: "acme, private or files",
  example: "acme",
  default: "`acme` with a domain, `private` with an IP address",
});

const extraDomains = setting(
  z
    .array(
      setting(z.string(), {
        description: "",
        type: "DNS name",
        allowed: "a DNS name in lower case without scheme, port or path, and no wildcard",
        example: "www.example.com",
      }).check((context) => {
        const problem = domainProblem(context.value);
        if (problem === undefined) return;
        context.issues.push({ code: "custom", message: problem, input: context.value });
      }),
    )
    .max(MOST_EXTRA_DOMAINS),
  {
    description:
      "Further DNS names in the certificate, which must point to the host like `domain`. Only with a domain. A change gets a new certificate.",
    type: "list",
    allowed: `a list of at most ${MOST_EXTRA_DOMAINS} DNS names`,
    example: "www.example.com",
  },
).check((context) => {
  for (const [index, name] of context.value.entries()) {
    if (context.value.indexOf(name) === index) continue;
    context.issues.push({
      code: "custom",
      message: "is there twice",
      path: [index],
      params: {
        fix: `Remove it with: pulumi config rm --path 'botgarden:certificate.extraDomains[${index}]'`,
      },
      input: name,
    });
  }
});

const chainFile = filePathSchema({
  description:
    "For `files`: the PEM file with the certificate and what leads to its root, in this order (fullchain.pem). Relative to the project unless it starts with `/` or `~/`. After a change of the file run `pulumi up`.",
  allowed: "the path of a file",
  example: "fullchain.pem",
});

/** The stack's section `certificate`. */
export const certificateSchema = rule(
  rule(
    rule(
      z.strictObject({
        source: source.optional(),
        ...acmeShape,
        extraDomains: extraDomains.prefault([]),
        chainFile: chainFile.optional(),
      }),
      {
        path: "staging",
        aboutPresence: true,
        problem: "and certificate.directory are both given, but there is one ACME server",
        fix: "Remove one with: pulumi config rm --path botgarden:certificate.staging",
      },
      ({ staging: wanted, directory: url }) => wanted !== true || url === undefined,
    ),
    {
      path: "chainFile",
      aboutPresence: true,
      problem: 'is missing, but certificate.source is "files"',
      fix: "Set it with: pulumi config set --path botgarden:certificate.chainFile fullchain.pem",
    },
    ({ source: from, chainFile: file }) => from !== "files" || file !== undefined,
  ),
  {
    path: "chainFile",
    aboutPresence: true,
    problem: 'is given, but certificate.source is not "files"',
    fix: "Use it with: pulumi config set --path botgarden:certificate.source files, or remove it with: pulumi config rm --path botgarden:certificate.chainFile",
  },
  ({ source: from, chainFile: file }) => from === "files" || file === undefined,
);

/** `certificateKey`: kept apart from the section, so that only it has to be secret. Not in `StackSettings`. */
export const certificateKeySchema = setting(z.string(), {
  description:
    'For `certificate.source` "files": the certificate\'s private key, in PEM without a passphrase. Set it with `pulumi config set --secret botgarden:certificateKey < privkey.pem`.',
  type: "secret",
  allowed: "a private key in PEM, RSA of at least 2048 bits or ECDSA P-256 or P-384",
  example: "< privkey.pem",
  secret: true,
});

type Section = z.output<typeof certificateSchema>;

/** The source that a section means in a garden with this kind of public name. */
export function sourceOf({ source: from }: Section, kind: "domain" | "ip"): CertificateSettings["source"] {
  return from ?? (kind === "domain" ? "acme" : "private");
}

/** The checked section with the defaults that the public name decides. */
export function certificateOf(section: Section, kind: "domain" | "ip"): CertificateSettings {
  const names = section.extraDomains;
  const from = sourceOf(section, kind);
  const trusted = section.authority === undefined ? {} : { authority: section.authority };
  if (from === "private") return { source: from, extraDomains: names, ...trusted };
  if (from === "files") {
    return { source: from, chainFile: section.chainFile ?? "", extraDomains: names, ...trusted };
  }
  const wanted = section.profile ?? (kind === "ip" ? PROFILE_OF_ADDRESS : undefined);
  return {
    source: from,
    ...(section.email === undefined ? {} : { email: section.email }),
    directory: section.directory ?? (section.staging ? LETS_ENCRYPT_STAGING : LETS_ENCRYPT),
    ...trusted,
    extraDomains: names,
    keyType: section.keyType,
    ...(wanted === undefined ? {} : { profile: wanted }),
  };
}
