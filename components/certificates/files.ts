import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import type { Host } from "../host/host.ts";
import type { OwnCertificate } from "../own-certificate.ts";
import { type Certificate, certificateId } from "./certificate.ts";
import { trustedWith } from "./public-roots.ts";

export interface OwnCertificateArgs extends OwnCertificate {
  readonly host: Host;
  readonly publicName: StackSettings["publicName"];
  readonly extraDomains: readonly string[];
  readonly httpsPort: number;
  /** Of an ACME server of one's own, which the garden may come from or turn to: trusted as well. PEM. */
  readonly authority?: string | undefined;
}

/**
 * The operator's own certificate. One from a public authority is trusted as it is; one whose chain ends with a root of
 * its own (or that vouches for itself) is uploaded to Telegram.
 */
export function ownCertificate(name: string, args: OwnCertificateArgs, parent: pulumi.Resource): Certificate {
  const { host, publicName, extraDomains, chain, key, root, authority } = args;
  const names = [publicName.name, ...extraDomains];
  // Another root is another certificate: it is served when Telegram has been given it. A renewal below the same is not.
  const id = certificateId("files", names, root ?? null);
  const installed = host.command(
    `${name}-installed`,
    {
      run: ["certificate", "install", id, publicName.name, String(args.httpsPort)],
      input: { chain, key },
    },
    { parent },
  );
  const upload = root === undefined ? undefined : pulumi.output(trustedWith(root, authority));
  return { id, names, upload, installed };
}
