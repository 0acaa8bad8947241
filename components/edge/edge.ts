import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import type { Certificate } from "../certificates/certificate.ts";
import { hardened, memoryLimit, onlyCapabilities } from "../container.ts";
import type { Host } from "../host/host.ts";
import { digestOf } from "../host/scripts.ts";
import { gardenLabels } from "../labels.ts";
import type { Network } from "../network.ts";
import { tellReplacement } from "../replacement.ts";
import { commonFiles, digest, renderEdge, renderSite } from "./config.ts";
import { featuresOf } from "./features.ts";

type EdgeSettings = StackSettings["edge"];

export interface EdgeArgs extends Omit<EdgeSettings, "page"> {
  readonly host: Host;
  readonly network: Network;
  readonly image: string;
  readonly timezone: string;
  /** The garden's public name: a domain or an IPv4 address. */
  readonly publicName: StackSettings["publicName"];
  readonly certificate: Certificate;
  /** The text of the static page at `/`. */
  readonly page: string | undefined;
}

/**
 * What faces the internet: nginx on the two public ports. Its configuration is a tree of files on the host, so a new
 * route, name or certificate is a reload; only another image or port replaces the container.
 *
 * Costs: 256 MB at most (some 10 with ten bots; a reload with 1,000 routes needs 130), ports `httpPort` and `httpsPort`.
 */
export class Edge extends pulumi.ComponentResource {
  /** `https://name`, with the port if it is not 443. */
  readonly origin: string;
  /** `https://name/webhook`: a bot's webhook is this, a slash and the bot's name. */
  readonly webhookBase: string;
  /** Serves, but perhaps still the name and the certificate of before: what is needed to get the new ones. */
  readonly running: pulumi.Resource;
  /** What Telegram has to be given to trust this edge; undefined for a publicly trusted certificate. */
  readonly upload: pulumi.Output<string> | undefined;
  private readonly host: Host;
  private readonly site: pulumi.Output<string>;

  constructor(name: string, args: EdgeArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:edge:Edge", name, {}, options);
    const { host, publicName, certificate } = args;
    this.host = host;
    this.upload = certificate.upload;
    this.origin = `https://${publicName.name}${args.httpsPort === 443 ? "" : `:${args.httpsPort}`}`;
    this.webhookBase = `${this.origin}/webhook`;
    const features = featuresOf(args.image);

    const image = new docker.RemoteImage(
      `${name}-image`,
      { name: args.image, keepLocally: true },
      { parent: this, provider: host.provider },
    );
    const files = renderSite({
      kind: publicName.kind,
      names: certificate.names,
      certificate: certificate.id,
      httpsPort: args.httpsPort,
      features,
    });
    const site = pulumi.output(certificate.upload ?? null).apply((upload) => ({
      ...files,
      ...publicName,
      certificate: certificate.id,
      port: String(args.httpsPort),
      upload,
    }));
    this.site = site.apply((values) => digest(values.site, values.default, values.upload ?? ""));
    const configuration = host.command(
      `${name}-configuration`,
      {
        run: ["edge", "configure", args.image],
        remove: ["edge", "forget"],
        input: {
          files: {
            "nginx.conf": renderEdge({ features, allowFrom: args.allowFrom }),
            ...commonFiles(args.hsts, args.page),
          },
          site,
          container: digest(JSON.stringify(replacing(args))),
        },
      },
      { parent: this, dependsOn: [image, certificate.installed] },
    );

    const container = this.runContainer(name, args, configuration);
    this.running = host.command(
      `${name}-settle`,
      { run: ["edge", "settle", container.id.apply((id) => id.slice(0, 12))] },
      { parent: this, dependsOn: [configuration] },
    );
    this.registerOutputs({ origin: this.origin });
  }

  /**
   * Serves the name and the certificate that the settings say, if Telegram refuses nothing then; else that comes at
   * `adopt`. What needs a working edge depends on the result.
   *
   * @param issued what brings the certificate, if that needs the edge
   */
  offer(issued: pulumi.Resource | undefined): pulumi.Resource {
    return this.host.command(
      "edge-offer",
      { run: ["edge", "offer", this.site] },
      { parent: this, dependsOn: [this.running, ...(issued === undefined ? [] : [issued])] },
    );
  }

  /** Serves the settings' name and certificate alone, once every webhook is registered for them. */
  adopt(webhooks: readonly pulumi.Resource[], offered: pulumi.Resource): pulumi.CustomResource {
    return this.host.command(
      "edge-adopt",
      { run: ["edge", "adopt", this.site] },
      { parent: this, dependsOn: [offered, ...webhooks] },
    );
  }

  private runContainer(name: string, args: EdgeArgs, configuration: pulumi.Resource): docker.Container {
    const { host, network } = args;
    const inputs = replacing(args);
    void tellReplacement(
      name,
      inputs,
      "nothing listens for about a second, up to 10 while answers are under way. Telegram sends again what it could not deliver.",
    );
    return new docker.Container(
      name,
      {
        ...hardened,
        ...memoryLimit(256),
        ...inputs,
        name: "botgarden-edge",
        entrypoints: ["/bin/sh", "/etc/nginx/garden/start-nginx"],
        capabilities: onlyCapabilities("CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"),
        readOnly: true,
        tmpfs: { "/run": "size=32m", "/var/cache/nginx": "size=8m" },
        networksAdvanced: [{ name: network.name, ipv4Address: network.addresses.edge }],
        volumes: [
          { hostPath: "/etc/botgarden/edge", containerPath: "/etc/nginx/garden", readOnly: true },
          {
            hostPath: "/etc/botgarden/certificates",
            containerPath: "/etc/nginx/certificates",
            readOnly: true,
          },
          { hostPath: "/var/lib/botgarden/acme-challenges", containerPath: "/var/www/acme", readOnly: true },
        ],
        healthcheck: {
          tests: [
            "CMD-SHELL",
            "curl -fsS -o /dev/null http://127.0.0.1:8080/healthz || wget -qO /dev/null http://127.0.0.1:8080/healthz",
          ],
          interval: "10s",
          timeout: "5s",
          retries: 3,
          startPeriod: "10s",
        },
        stopSignal: "SIGQUIT",
        // nginx stops listening at once and then ends what it has begun: longer would be a longer time without an edge.
        destroyGraceSeconds: 10,
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
  }
}

/** What the container is made from as far as settings reach it: another one of these is another container. */
function replacing(args: Pick<EdgeArgs, "image" | "timezone" | "httpPort" | "httpsPort">) {
  return {
    image: args.image,
    // The start script's digest: another script is another container.
    envs: [`TZ=${args.timezone}`, `START_NGINX=${digestOf("start-nginx")}`],
    ports: [
      { internal: 80, external: args.httpPort },
      { internal: 443, external: args.httpsPort },
    ],
  };
}
