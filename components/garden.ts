import * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../settings/bot.ts";
import type { StackSettings } from "../settings/stack.ts";
import { Bot, type Garden as Ground } from "./bot/bot.ts";
import { gardenCertificate } from "./certificates/garden-certificate.ts";
import { Edge } from "./edge/edge.ts";
import { Host } from "./host/host.ts";
import { Network } from "./network.ts";
import type { OwnCertificate } from "./own-certificate.ts";
import { Postgres } from "./postgres/postgres.ts";
import type { RegistryLogin } from "./registries.ts";
import type { BotSecrets } from "./secrets.ts";

export interface GardenArgs {
  readonly settings: StackSettings;
  readonly bots: readonly BotSettings[];
  /** Each bot's token and other secrets, by the bot's name. */
  readonly secrets: ReadonlyMap<string, BotSecrets>;
  /** The operator's own certificate, for `certificate.source` files. */
  readonly ownCertificate?: OwnCertificate | undefined;
  /** The text of the static page at `/`. */
  readonly page?: string | undefined;
  /** Logins of private registries. */
  readonly registries?: readonly RegistryLogin[] | undefined;
}

/** What the stack tells about a bot: `pulumi stack output bots`. */
export interface BotOutput {
  /** Where Telegram delivers its updates; `null` for a bot that polls. */
  readonly url: string | null;
  readonly container: pulumi.Output<string>;
}

/** The whole garden on one host: network, Postgres, edge and every bot. */
export class Garden extends pulumi.ComponentResource {
  readonly webhookBase: string;
  readonly healthUrl: string;
  readonly bots: Record<string, BotOutput> = {};
  /** Password of Postgres's administrator. */
  readonly databasePassword: pulumi.Output<string>;
  /** The folder of the certificate on the host; known once everything is in place. */
  readonly certificate: pulumi.Output<string>;

  constructor(name: string, args: GardenArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:garden:Garden", name, {}, options);
    const { settings } = args;
    const { images, timezone, platform, publicName } = settings;
    const here = { parent: this };

    const host = new Host("host", { ...settings, registries: args.registries }, here);
    const network = new Network("network", { host, ...settings.network }, here);
    const common = { host, network, timezone };
    const postgres = new Postgres(
      "postgres",
      { ...common, ...settings.postgres, image: images.postgres },
      here,
    );
    const certificate = gardenCertificate(
      "certificate",
      { ...common, settings, ownCertificate: args.ownCertificate },
      this,
    );
    const edge = new Edge(
      "edge",
      { ...common, ...settings.edge, image: images.nginx, publicName, certificate, page: args.page },
      here,
    );
    const edgeReady = edge.offer(certificate.issue?.(edge.running));

    const { apiRoot } = settings.telegram;
    const garden: Ground = { ...common, platform, postgres, edge, edgeReady, apiRoot };
    const registered: pulumi.Resource[] = [];
    for (const bot of args.bots) {
      const secrets = args.secrets.get(bot.name);
      if (secrets === undefined) throw new Error(`no secrets were read for ${bot.name}`);
      const planted = new Bot(bot.name, { garden, settings: bot, ...secrets }, here);
      this.bots[bot.name] = { url: planted.url ?? null, container: planted.container };
      if (planted.registered !== undefined) registered.push(planted.registered);
    }
    const adopted = edge.adopt(registered, edgeReady);

    this.webhookBase = edge.webhookBase;
    this.healthUrl = `${edge.origin}/healthz`;
    this.databasePassword = pulumi.secret(postgres.password);
    this.certificate = adopted.id.apply(() => certificate.id);
    this.registerOutputs({ webhookBase: this.webhookBase });
  }
}
