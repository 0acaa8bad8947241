import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { StackSettings } from "../../settings/stack.ts";
import type { Host } from "../host/host.ts";
import { type Certificate, certificateId, day } from "./certificate.ts";
import { trustedWith } from "./public-roots.ts";

export interface PrivateCertificateArgs {
  readonly host: Host;
  readonly publicName: StackSettings["publicName"];
  readonly extraDomains: readonly string[];
  readonly httpsPort: number;
  /** Of an ACME server of one's own, which the garden may come from or turn to: trusted as well. PEM. */
  readonly authority?: string | undefined;
}

const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };

/**
 * A certificate from an authority of the garden's own, which is uploaded to Telegram once: a renewed certificate does not
 * touch the webhooks.
 *
 * Telegram checks a name against an uploaded file as a host name, also if it is an address: it must be the common name,
 * and there must be no other DNS name (tdlib/td, SslStream.cpp). The address is added as an IP name too, for people and
 * probes.
 */
export function privateCertificate(
  name: string,
  args: PrivateCertificateArgs,
  parent: pulumi.Resource,
): Certificate {
  const { host, publicName, extraDomains } = args;
  const names = [publicName.name, ...extraDomains];
  const id = certificateId("private", names);
  const authorityKey = new tls.PrivateKey(`${name}-authority-key`, ecdsa, { parent });
  const authority = new tls.SelfSignedCert(
    `${name}-authority`,
    {
      privateKeyPem: authorityKey.privateKeyPem,
      isCaCertificate: true,
      subject: { commonName: "botgarden authority" },
      validityPeriodHours: 20 * 365 * day,
      earlyRenewalHours: 2 * 365 * day,
      allowedUses: ["cert_signing", "crl_signing"],
    },
    { parent },
  );
  const key = new tls.PrivateKey(`${name}-key`, ecdsa, { parent });
  const request = new tls.CertRequest(
    `${name}-request`,
    {
      privateKeyPem: key.privateKeyPem,
      // A common name has 64 characters at most; with DNS names it is not looked at.
      subject: { commonName: publicName.kind === "ip" ? publicName.name : "botgarden" },
      ...(publicName.kind === "domain" ? { dnsNames: names } : { ipAddresses: names }),
    },
    { parent },
  );
  const leaf = new tls.LocallySignedCert(
    name,
    {
      certRequestPem: request.certRequestPem,
      caPrivateKeyPem: authorityKey.privateKeyPem,
      caCertPem: authority.certPem,
      validityPeriodHours: 4 * 365 * day,
      // Any `pulumi up` of the last two years renews it.
      earlyRenewalHours: 2 * 365 * day,
      allowedUses: ["digital_signature", "server_auth"],
    },
    { parent },
  );
  const installed = host.command(
    `${name}-installed`,
    {
      run: ["certificate", "install", id, publicName.name, String(args.httpsPort)],
      input: { chain: leaf.certPem, key: key.privateKeyPem },
    },
    { parent },
  );
  const upload = authority.certPem.apply((root) => trustedWith(root, args.authority));
  return { id, names, upload, installed };
}
