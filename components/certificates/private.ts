import type * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import type { Host } from "../host/host.ts";
import { privatelySigned } from "../private-authority.ts";
import { type Certificate, certificateId } from "./certificate.ts";
import { trustedWith } from "./public-roots.ts";

export interface PrivateCertificateArgs {
  readonly host: Host;
  readonly publicName: StackSettings["publicName"];
  readonly extraDomains: readonly string[];
  readonly httpsPort: number;
  /** Of an ACME server of one's own, which the garden may come from or turn to: trusted as well. PEM. */
  readonly authority?: string | undefined;
}

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
  const { authority, certificate, key } = privatelySigned(
    name,
    {
      authority: { commonName: "botgarden authority", renewedInLast: 2 },
      request: {
        // A common name has 64 characters at most; with DNS names it is not looked at.
        subject: { commonName: publicName.kind === "ip" ? publicName.name : "botgarden" },
        ...(publicName.kind === "domain" ? { dnsNames: names } : { ipAddresses: names }),
      },
      certificate: { name, years: 4, renewedInLast: 2 },
    },
    parent,
  );
  const installed = host.command(
    `${name}-installed`,
    {
      run: ["certificate", "install", id, publicName.name, String(args.httpsPort)],
      input: { chain: certificate, key },
    },
    { parent },
  );
  const upload = authority.apply((root) => trustedWith(root, args.authority));
  return { id, names, upload, installed };
}
