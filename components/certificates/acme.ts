import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import { hardened, memoryLimit, onlyCapabilities } from "../container.ts";
import type { Host } from "../host/host.ts";
import { digestOf } from "../host/scripts.ts";
import { gardenLabels } from "../labels.ts";
import type { Network } from "../network.ts";
import { type Certificate, certificateId } from "./certificate.ts";

export interface AcmeArgs extends AcmeSettings {
  readonly host: Host;
  readonly network: Network;
  /** certbot's image. */
  readonly image: string;
  readonly timezone: string;
  readonly publicName: StackSettings["publicName"];
  readonly httpsPort: number;
}

type AcmeSettings = Omit<Extract<StackSettings["certificate"], { source: "acme" }>, "source">;

/** A certificate that certbot gets and renews. */
export interface AcmeCertificate extends Certificate {
  /**
   * Starts certbot and gets the certificate: needs an edge that serves the authority's challenges.
   *
   * @param edge what must run before
   */
  issue(edge: pulumi.Resource): pulumi.Resource;
}

/**
 * A certificate from an ACME authority like Let's Encrypt. certbot runs in a container of its own, which sleeps most of
 * the time; it writes the files, and the edge loads them by itself.
 *
 * Costs: some MB while it sleeps, 256 MB at most for the seconds of a renewal.
 */
export function acmeCertificate(name: string, args: AcmeArgs, parent: pulumi.Resource): AcmeCertificate {
  const { host, publicName } = args;
  const names = [publicName.name, ...args.extraDomains];
  const id = certificateId("acme", args.directory, names, args.keyType, args.profile ?? null);
  const image = new docker.RemoteImage(
    `${name}-certbot-image`,
    { name: args.image, keepLocally: true },
    { parent, provider: host.provider },
  );
  const installed = host.command(
    `${name}-requested`,
    {
      run: ["certificate", "start", id],
      remove: ["certificate", "stop"],
      input: {
        request: {
          id,
          server: args.directory,
          email: args.email ?? null,
          domains: publicName.kind === "domain" ? names : [],
          address: publicName.kind === "ip" ? publicName.name : null,
          keyType: args.keyType,
          profile: args.profile ?? null,
          authority: args.authority ?? null,
        },
      },
    },
    { parent },
  );
  const issue = (edge: pulumi.Resource) => {
    const container = certbot(args, { parent, dependsOn: [image, installed, edge] });
    return host.command(
      `${name}-issued`,
      {
        run: [
          "certificate",
          "obtain",
          id,
          publicName.name,
          String(args.httpsPort),
          container.id.apply((text) => text.slice(0, 12)),
        ],
      },
      { parent, dependsOn: [container, installed] },
    );
  };
  return { id, names, upload: undefined, installed, issue };
}

function certbot(
  args: AcmeArgs,
  options: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
): docker.Container {
  const challenges = "/var/lib/botgarden/acme-challenges";
  return new docker.Container(
    "certbot",
    {
      ...hardened,
      ...memoryLimit(256),
      name: "botgarden-certbot",
      image: args.image,
      entrypoints: ["/bin/sh", "/garden/certbot-loop"],
      // The digest of the loop: another script is another container.
      envs: [`TZ=${args.timezone}`, `CERTBOT_LOOP=${digestOf("certbot-loop")}`],
      capabilities: onlyCapabilities(),
      readOnly: true,
      tmpfs: { "/tmp": "size=16m", "/var/log/letsencrypt": "size=16m", "/var/lib/letsencrypt": "size=16m" },
      networksAdvanced: [{ name: args.network.name }],
      volumes: [
        { hostPath: "/etc/botgarden/certbot", containerPath: "/garden", readOnly: true },
        { hostPath: "/etc/botgarden/certificates", containerPath: "/certificates" },
        { hostPath: "/var/lib/botgarden/acme", containerPath: "/etc/letsencrypt" },
        { hostPath: challenges, containerPath: "/var/www/acme" },
      ],
      destroyGraceSeconds: 30,
      labels: gardenLabels("certbot"),
    },
    {
      ...options,
      provider: args.host.provider,
      deleteBeforeReplace: true,
      replaceOnChanges: ["tmpfs"],
    },
  );
}
