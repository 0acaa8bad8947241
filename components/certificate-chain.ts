import type { KeyObject, X509Certificate } from "node:crypto";

/** Extended key usage "TLS server" (RFC 5280, section 4.2.1.12). */
const TLS_SERVER = "1.3.6.1.5.5.7.3.1";

/** What a chain has to be good for. */
export interface ChainUse {
  readonly publicName: { readonly kind: "domain" | "ip"; readonly name: string };
  readonly extraDomains: readonly string[];
  readonly now: Date;
}

/**
 * What is wrong with a chain that nginx is to serve, in words that follow its file's name. The first certificate
 * is the server's, each next one has signed the one before; a root at the end may be there or not.
 */
export function chainProblems(chain: readonly X509Certificate[], use: ChainUse): string[] {
  const [server] = chain;
  if (server === undefined) return ["holds no certificate"];
  const order = orderProblem(chain);
  if (order !== undefined) return [order];
  return [
    ...(chain.length === 1 && !isSelfSigned(server)
      ? [`lacks the certificate of ${nameOf(server.issuer)}, which signed the first one`]
      : []),
    ...chain.flatMap((certificate, index) => dateProblem(certificate, index, use.now) ?? []),
    ...nameProblems(server, use),
    ...(allowsServer(server) ? [] : ["begins with a certificate that is not for TLS servers"]),
    ...(isStrong(server.publicKey)
      ? []
      : [
          "has a kind of key that Telegram or browsers refuse (RSA of 2048 bits or more, P-256 and P-384 work)",
        ]),
  ];
}

/** True if a certificate vouches for itself: a root, or one that is not signed by a CA at all. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return signed(certificate, certificate);
}

function signed(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function orderProblem(chain: readonly X509Certificate[]): string | undefined {
  const [server] = chain;
  // A single certificate may be self-signed, and openssl makes such ones CAs.
  if (server?.ca && chain.length > 1) return "begins with a CA's certificate instead of the server's";
  for (const [index, issuer] of chain.entries()) {
    const certificate = chain[index - 1];
    if (certificate === undefined || signed(issuer, certificate)) continue;
    return `is not in order: number ${index + 1}, ${nameOf(issuer.subject)}, has not signed number ${index}, ${nameOf(certificate.subject)}`;
  }
  return undefined;
}

/** The dates of a root don't count: who trusts it has a copy. */
function dateProblem(certificate: X509Certificate, index: number, now: Date): string | undefined {
  if (index > 0 && isSelfSigned(certificate)) return undefined;
  const which = index === 0 ? "a certificate" : `a certificate, number ${index + 1},`;
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  if (certificate.validToDate <= now) return `holds ${which} that ended on ${day(certificate.validToDate)}`;
  if (certificate.validFromDate > now)
    return `holds ${which} that begins on ${day(certificate.validFromDate)}`;
  return undefined;
}

function nameProblems(server: X509Certificate, { publicName, extraDomains }: ChainUse): string[] {
  const fits = (name: string): boolean =>
    publicName.kind === "ip"
      ? server.checkIP(name) !== undefined
      : server.checkHost(name, { subject: "never" }) !== undefined;
  const missing = [publicName.name, ...extraDomains].filter((name) => !fits(name));
  if (missing.length === 0) return [];
  const names = server.subjectAltName ?? "nothing";
  return [`is not for ${missing.join(", ")}, but for ${short(names)}`];
}

function allowsServer(server: X509Certificate): boolean {
  // Node calls the extended key usage `keyUsage`; without it every use is allowed.
  const usage: readonly string[] | undefined = server.keyUsage;
  return usage === undefined || usage.includes(TLS_SERVER);
}

function isStrong(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") return modulusLength >= 2048;
  return key.asymmetricKeyType === "ec" && ["prime256v1", "secp384r1"].includes(namedCurve);
}

/** `CN=R12` of a name whose parts Node writes one a line. */
function nameOf(name: string): string {
  const parts = name.split("\n");
  return short(parts.find((part) => part.startsWith("CN=")) ?? parts.join(", "));
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
