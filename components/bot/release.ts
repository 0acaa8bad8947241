import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { BotSettings, BotWebhook } from "../../settings/bot.ts";
import { defaultSettleSeconds } from "../../settings/health.ts";
import { type Route, renderRoute } from "../edge/config.ts";
import type { Host } from "../host/host.ts";
import { gateDeadline } from "./health.ts";

/**
 * What the host remembers of a bot's releases; before a container is made, the id of its image. The containers depend
 * on it, so that it goes after them: then the images of the bot's releases are used by nothing and go too.
 */
export function releaseRecords(
  bot: string,
  image: pulumi.Input<string>,
  host: Host,
  parent: pulumi.Resource,
): pulumi.Resource {
  return host.command(
    `${bot}-releases`,
    { run: ["bot-records", "keep", bot, image], remove: ["bot-records", "forget", bot] },
    { parent },
  );
}

/**
 * The step before a release. An image of the past gets none: its migration would be one of the past too, which the
 * database has left behind.
 */
function stepBefore(bot: BotSettings) {
  if (bot.beforeDeploy === undefined || bot.pin !== undefined) return null;
  const { command, timeoutSeconds } = bot.beforeDeploy;
  return { command, timeout: timeoutSeconds, database: bot.database !== undefined };
}

/** SQLite's file must not have two writers, neither of which may be a migration. */
function writesAlone(bot: BotSettings): boolean {
  return Object.keys(bot.volumes).length > 0;
}

/** Telegram refuses two pollers. */
function stopsFirst(bot: BotSettings): boolean {
  return bot.updates.kind !== "webhook" || writesAlone(bot);
}

/**
 * The gate of a release and the switch of its route, in one command on the host: the route names the container, so
 * that the old release has the updates until the new one is healthy.
 */
export function release(
  bot: BotSettings,
  container: docker.Container,
  garden: {
    readonly host: Host;
    readonly webhook: BotWebhook | undefined;
    /** What the image was made from, for the record of the release. */
    readonly reference: pulumi.Input<string>;
  },
  options: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
): pulumi.Resource {
  const { name, updates } = bot;
  const { host, webhook, reference } = garden;
  const parts = { webhook: updates.kind === "webhook" ? updates : undefined, pages: bot.pages };
  const route =
    parts.webhook === undefined && parts.pages === undefined
      ? null
      : {
          files: container.name.apply((containerName) =>
            renderRoute({ bot: name, container: containerName, ...parts } satisfies Route),
          ),
          secret: parts.webhook?.secretAtEdge === true && webhook !== undefined ? webhook.secret : null,
        };
  return host.command(
    `${name}-release`,
    {
      run: ["bot-release", "switch", name, container.name],
      remove: ["bot-release", "withdraw", name],
      input: {
        processes: bot.processes,
        port: updates.kind === "webhook" ? updates.port : null,
        deadline: gateDeadline(bot),
        settle: bot.health?.settleSeconds ?? defaultSettleSeconds,
        grace: bot.stopGraceSeconds,
        stopsFirst: stopsFirst(bot),
        writesAlone: writesAlone(bot),
        route,
        reference,
        beforeDeploy: stepBefore(bot),
      },
    },
    { parent: options.parent, dependsOn: [container, ...options.dependsOn] },
  );
}
