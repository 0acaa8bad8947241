import type * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import type { Host } from "../host/host.ts";
import type { Network } from "../network.ts";
import type { OwnCertificate } from "../own-certificate.ts";
import { acmeCertificate } from "./acme.ts";
import type { Certificate } from "./certificate.ts";
import { ownCertificate } from "./files.ts";
import { privateCertificate } from "./private.ts";

export interface GardenCertificateArgs {
  readonly host: Host;
  readonly network: Network;
  readonly timezone: string;
  readonly settings: StackSettings;
  /** Given if the settings say `files`. */
  readonly ownCertificate: OwnCertificate | undefined;
}

/** The certificate that the settings ask for; `issue` is there if it has to be got while the edge runs. */
export function gardenCertificate(
  name: string,
  args: GardenCertificateArgs,
  parent: pulumi.Resource,
): Certificate & { issue?: (edge: pulumi.Resource) => pulumi.Resource } {
  const { host, network, timezone, settings } = args;
  const { certificate, publicName, images } = settings;
  const { httpsPort } = settings.edge;
  const common = { host, publicName, httpsPort };
  switch (certificate.source) {
    case "acme":
      return acmeCertificate(
        name,
        { ...common, ...certificate, network, timezone, image: images.certbot },
        parent,
      );
    case "private":
      return privateCertificate(name, { ...common, ...certificate }, parent);
    case "files":
      if (args.ownCertificate === undefined) throw new Error("the own certificate was not read");
      return ownCertificate(name, { ...common, ...certificate, ...args.ownCertificate }, parent);
  }
}
