/** An authority of the garden's own and the one certificate that it signs. */
import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** How long a certificate lives, in years. */
export interface Lifetime {
  readonly years: number;
  /** Any `pulumi up` of the last so many years renews it. */
  readonly renewedInLast: number;
}

export interface PrivateAuthorityArgs {
  /** The authority, which lives for twenty years. */
  readonly authority: { readonly commonName: string; readonly renewedInLast: Lifetime["renewedInLast"] };
  /** Whom the certificate is for. */
  readonly request: Pick<tls.CertRequestArgs, "subject" | "dnsNames" | "ipAddresses">;
  /** The certificate's name as a resource, and its life. */
  readonly certificate: Lifetime & { readonly name: string };
}

/** All in PEM. */
export interface PrivatelySigned {
  readonly authority: pulumi.Output<string>;
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;
}

const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };

/**
 * Makes an authority, a key and a server's certificate for it. The authority's key is in the stack's state alone.
 *
 * @param name what the names of the resources begin with
 */
export function privatelySigned(
  name: string,
  { authority: { commonName, renewedInLast }, request, certificate }: PrivateAuthorityArgs,
  parent: pulumi.Resource,
): PrivatelySigned {
  const authorityKey = new tls.PrivateKey(`${name}-authority-key`, ecdsa, { parent });
  const authority = new tls.SelfSignedCert(
    `${name}-authority`,
    {
      privateKeyPem: authorityKey.privateKeyPem,
      isCaCertificate: true,
      subject: { commonName },
      ...hours({ years: 20, renewedInLast }),
      allowedUses: ["cert_signing", "crl_signing"],
    },
    { parent },
  );
  const key = new tls.PrivateKey(`${name}-key`, ecdsa, { parent });
  const asked = new tls.CertRequest(
    `${name}-request`,
    { privateKeyPem: key.privateKeyPem, ...request },
    { parent },
  );
  const signed = new tls.LocallySignedCert(
    certificate.name,
    {
      certRequestPem: asked.certRequestPem,
      caPrivateKeyPem: authorityKey.privateKeyPem,
      caCertPem: authority.certPem,
      ...hours(certificate),
      allowedUses: ["digital_signature", "server_auth"],
    },
    { parent },
  );
  return { authority: authority.certPem, certificate: signed.certPem, key: key.privateKeyPem };
}

function hours({ years, renewedInLast }: Lifetime) {
  const year = 365 * 24;
  return { validityPeriodHours: years * year, earlyRenewalHours: renewedInLast * year };
}
