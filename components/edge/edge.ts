import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import { hardened, memoryLimit, onlyCapabilities } from "../container.ts";
import type { Host } from "../host/host.ts";
import { gardenLabels } from "../labels.ts";
import type { Network } from "../network.ts";
import { type Certificate, selfSigned } from "./certificate.ts";
import { featuresOf, type NginxFeatures, renderEdge } from "./config.ts";

type EdgeSettings = StackSettings["edge"];

export interface EdgeArgs extends EdgeSettings {
  readonly host: Host;
  readonly network: Network;
  readonly image: string;
  readonly timezone: string;
  /** The garden's public name: a domain or an IPv4 address. */
  readonly publicName: StackSettings["publicName"];
}

/**
 * What faces the internet: nginx on the two public ports. Its configuration is a tree of files on the host, so a new
 * route or certificate is a reload; only another image or port replaces the container.
 *
 * Costs: 64 MB at most, ports `httpPort` and `httpsPort`.
 */
export class Edge extends pulumi.ComponentResource {
  /** `https://name`, with the port if it is not 443. */
  readonly origin: string;
  /** `https://name/webhook`: a bot's webhook is this, a slash and the bot's name. */
  readonly webhookBase: string;
  /** The certificate that Telegram has to be given to trust this edge. */
  readonly certificate: Certificate;
  readonly features: NginxFeatures;
  /** What needs a working edge depends on this. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: EdgeArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:edge:Edge", name, {}, options);
    const { host, network, publicName } = args;
    this.origin = `https://${publicName.name}${args.httpsPort === 443 ? "" : `:${args.httpsPort}`}`;
    this.webhookBase = `${this.origin}/webhook`;
    this.features = featuresOf(args.image);
    this.certificate = selfSigned(name, publicName, this);

    const image = new docker.RemoteImage(
      `${name}-image`,
      { name: args.image, keepLocally: true },
      { parent: this, provider: host.provider },
    );
    const configuration = host.command(
      `${name}-configuration`,
      {
        run: ["edge", "configure", args.image],
        remove: ["edge", "forget"],
        input: {
          nginx: renderEdge({
            name: publicName.name,
            httpsPort: args.httpsPort,
            features: this.features,
          }),
          certificate: this.certificate.chain,
          key: this.certificate.key,
        },
      },
      { parent: this, dependsOn: [image] },
    );

    const container = new docker.Container(
      name,
      {
        ...hardened,
        ...memoryLimit(64),
        name: "botgarden-edge",
        image: args.image,
        entrypoints: ["nginx", "-c", "/etc/nginx/garden/current/nginx.conf", "-g", "daemon off;"],
        envs: [`TZ=${args.timezone}`],
        capabilities: onlyCapabilities("CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"),
        readOnly: true,
        tmpfs: { "/run": "size=32m", "/var/cache/nginx": "size=8m" },
        networksAdvanced: [{ name: network.name, ipv4Address: network.addresses.edge }],
        volumes: [{ hostPath: "/etc/botgarden/edge", containerPath: "/etc/nginx/garden", readOnly: true }],
        ports: [
          { internal: 80, external: args.httpPort },
          { internal: 443, external: args.httpsPort },
        ],
        healthcheck: {
          tests: [
            "CMD-SHELL",
            "curl -fsS -o /dev/null http://127.0.0.1/healthz || wget -qO /dev/null http://127.0.0.1/healthz",
          ],
          interval: "10s",
          timeout: "5s",
          retries: 3,
          startPeriod: "10s",
        },
        stopSignal: "SIGQUIT",
        destroyGraceSeconds: 60,
        labels: gardenLabels("edge"),
      },
      {
        parent: this,
        provider: host.provider,
        dependsOn: [configuration],
        deleteBeforeReplace: true,
        replaceOnChanges: ["healthcheck", "tmpfs"],
      },
    );
    this.ready = host.command(
      `${name}-settle`,
      { run: ["edge", "settle", container.id.apply((id) => id.slice(0, 12))] },
      { parent: this, dependsOn: [configuration] },
    );
    this.registerOutputs({ origin: this.origin });
  }
}
