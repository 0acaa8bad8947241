import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { BotSettings, BotWebhook } from "../../settings/bot.ts";
import { botContext, environmentOf } from "../../settings/environment.ts";
import { volumeName } from "../../settings/names.ts";
import { cpuCount, hardened, memoryLimit } from "../container.ts";
import type { Edge } from "../edge/edge.ts";
import type { Host } from "../host/host.ts";
import { gardenLabels } from "../labels.ts";
import type { Network } from "../network.ts";
import type { Postgres } from "../postgres/postgres.ts";
import { authorityFile, botDatabase, type Database } from "./database.ts";
import { botEnvironment } from "./environment.ts";
import { botHealthcheck } from "./health.ts";
import { botImage } from "./image.ts";
import { release, releaseRecords } from "./release.ts";
import { clearWebhook, registerWebhook } from "./webhook.ts";

/** What a bot grows in. */
export interface Garden {
  readonly host: Host;
  readonly network: Network;
  readonly postgres: Postgres;
  readonly edge: Edge;
  /** Serves the name that webhooks are registered with. */
  readonly edgeReady: pulumi.Resource;
  /** The host's architecture, `linux/amd64`. */
  readonly platform: string;
  /** Telegram's Bot API, `https://api.telegram.org` outside tests. */
  readonly apiRoot: string;
  readonly timezone: string;
}

export interface BotArgs {
  readonly garden: Garden;
  readonly settings: BotSettings;
  /** The token from @BotFather. */
  readonly token: pulumi.Output<string>;
  /** The bot's own secrets, by the name of their variable. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
}

/**
 * One bot: its image, database, container, route and webhook. Removing its file removes exactly these; its volumes
 * and the last dump of its database stay on the host.
 *
 * Costs: the `memory`, `cpus` and `processes` settings at most; no port of the host.
 */
export class Bot extends pulumi.ComponentResource {
  /** The name of the container that runs the present release. */
  readonly container: pulumi.Output<string>;
  /** Where Telegram delivers; undefined for a bot that polls. */
  readonly url: string | undefined;
  /** Telegram delivers to the present URL; undefined for a bot that polls. */
  readonly registered: pulumi.Resource | undefined;

  constructor(name: string, args: BotArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:bot:Bot", name, {}, options);
    const { garden, settings, token } = args;
    const { host } = garden;
    const webhook = botWebhook(settings, garden.edge, this);
    const database = hasDatabase(settings) ? botDatabase(settings, host, garden.postgres, this) : undefined;
    const before: pulumi.Resource[] = database === undefined ? [] : [database.ready];
    const api = { host, edge: garden.edge, token, apiRoot: garden.apiRoot };
    if (webhook === undefined) before.push(clearWebhook(settings, api, { parent: this }));

    const { apiRoot, timezone } = garden;
    const image = botImage(settings, garden, this);
    before.push(releaseRecords(name, image.id, host, this));
    const context = botContext(settings.file, { name, database, webhook, telegram: { apiRoot }, timezone });
    const container = botContainer(
      {
        settings,
        garden,
        database,
        image: image.id,
        envs: botEnvironment({
          bot: settings,
          token,
          database,
          webhook,
          secrets: args.secrets,
          computed: environmentOf(settings, context),
          apiRoot,
          timezone,
        }),
      },
      { parent: this, dependsOn: before },
    );
    const released = release(
      settings,
      container,
      { host, webhook, reference: image.reference },
      { parent: this, dependsOn: [garden.edgeReady] },
    );
    if (webhook !== undefined) {
      this.registered = registerWebhook(settings, webhook, api, { parent: this, after: released });
    }

    this.container = container.name;
    this.url = webhook?.url;
    this.registerOutputs({ container: this.container, url: this.url });
  }
}

type WithDatabase = BotSettings & { readonly database: NonNullable<BotSettings["database"]> };

function hasDatabase(settings: BotSettings): settings is WithDatabase {
  return settings.database !== undefined;
}

function botWebhook(settings: BotSettings, edge: Edge, parent: pulumi.Resource): BotWebhook | undefined {
  const { name, updates } = settings;
  if (updates.kind !== "webhook") return undefined;
  const secret = new random.RandomPassword(
    `${name}-webhook-secret`,
    { length: 48, special: false },
    { parent },
  );
  return {
    base: edge.webhookBase,
    url: `${edge.webhookBase}/${name}`,
    secret: secret.result,
    port: updates.port,
    path: updates.path,
  };
}

interface ContainerParts {
  readonly settings: BotSettings;
  readonly garden: Garden;
  readonly database: Database | undefined;
  readonly image: pulumi.Output<string>;
  readonly envs: pulumi.Output<string>[];
}

/** The container of one release: made beside the old one, and started by its gate, which knows what must come before. */
function botContainer(
  parts: ContainerParts,
  options: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
): docker.Container {
  const { settings, garden, database } = parts;
  const { name } = settings;
  const volumes = botVolumes(settings, garden.host, options.parent);
  if (database !== undefined) {
    const folder = authorityFile.replace(/\/[^/]*$/, "");
    volumes.push({ hostPath: garden.postgres.authorityFolder, containerPath: folder, readOnly: true });
  }
  const healthcheck = botHealthcheck(settings);
  return new docker.Container(
    name,
    {
      ...hardened,
      ...memoryLimit(settings.memoryMegabytes),
      image: parts.image,
      envs: parts.envs,
      cpus: cpuCount(settings.cpus),
      ...(settings.user === undefined ? {} : { user: settings.user }),
      ...(healthcheck === undefined ? {} : { healthcheck }),
      capabilities: { drops: ["ALL"] },
      networksAdvanced: [{ name: garden.network.name }],
      volumes,
      // For Docker itself and `npm run pause`; the plugin has its own word for a removal.
      stopTimeout: settings.stopGraceSeconds,
      destroyGraceSeconds: settings.stopGraceSeconds,
      labels: gardenLabels("bot", name),
      start: false,
      // What is stopped is the gate's business: a failed release, and the one before a release that must not run beside.
      mustRun: false,
    },
    {
      parent: options.parent,
      dependsOn: options.dependsOn,
      provider: garden.host.provider,
      deleteBeforeReplace: false,
      // The plugin accepts a changed health check and does nothing.
      replaceOnChanges: ["healthcheck"],
    },
  );
}

function botVolumes(settings: BotSettings, host: Host, parent: pulumi.Resource) {
  return Object.entries(settings.volumes).map(
    ([volume, containerPath]): docker.types.input.ContainerVolume => ({
      volumeName: new docker.Volume(
        `${settings.name}-${volume}`,
        { name: volumeName(settings.name, volume) },
        { parent, provider: host.provider, retainOnDelete: true },
      ).name,
      containerPath,
    }),
  );
}
