import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { StackSettings } from "../../settings/stack.ts";

/** What nginx serves and, if Telegram cannot know its issuer, what Telegram must be given. */
export interface Certificate {
  /** PEM: the certificate, followed by what leads to its root. */
  readonly chain: pulumi.Output<string>;
  /** PEM, secret. */
  readonly key: pulumi.Output<string>;
  /** PEM to upload with setWebhook; undefined if the certificate is publicly trusted. */
  readonly upload: pulumi.Output<string> | undefined;
}

/** In hours. */
const day = 24;

/**
 * A certificate that vouches for itself. Telegram checks the uploaded one by name: for a bare IP its text must be the
 * common name and there must be no other DNS name (reference: tdlib/td SslStream.cpp, which checks an IP as a host
 * name when a certificate was uploaded). The IP is added as an IP name too, for people and probes.
 */
export function selfSigned(
  name: string,
  publicName: StackSettings["publicName"],
  parent: pulumi.Resource,
): Certificate {
  const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent });
  const certificate = new tls.SelfSignedCert(
    `${name}-certificate`,
    {
      privateKeyPem: key.privateKeyPem,
      subject: { commonName: publicName.name },
      ...(publicName.kind === "domain"
        ? { dnsNames: [publicName.name] }
        : { ipAddresses: [publicName.name] }),
      validityPeriodHours: 5 * 365 * day,
      earlyRenewalHours: 60 * day,
      allowedUses: ["digital_signature", "server_auth"],
    },
    { parent },
  );
  return { chain: certificate.certPem, key: key.privateKeyPem, upload: certificate.certPem };
}
