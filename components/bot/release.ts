import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { BotSettings, BotWebhook } from "../../settings/bot.ts";
import { defaultSettleSeconds } from "../../settings/health.ts";
import { type Route, renderRoute } from "../edge/config.ts";
import type { Host } from "../host/host.ts";
import { gateDeadline } from "./health.ts";

/**
 * What the host remembers of a bot's releases. The containers depend on it, so that it goes after them: then the
 * images of the bot's releases are used by nothing and go too.
 */
export function releaseRecords(bot: string, host: Host, parent: pulumi.Resource): pulumi.Resource {
  return host.command(
    `${bot}-releases`,
    { run: ["bot-records", "keep", bot], remove: ["bot-records", "forget", bot] },
    { parent },
  );
}

/** Telegram refuses two pollers, and SQLite's file must not have two writers. */
function stopsFirst(bot: BotSettings): boolean {
  return bot.updates.kind !== "webhook" || Object.keys(bot.volumes).length > 0;
}

/**
 * The gate of a release and the switch of its route, in one command on the host: the route names the container, so
 * that the old release has the updates until the new one is healthy.
 */
export function release(
  bot: BotSettings,
  container: docker.Container,
  garden: { readonly host: Host; readonly webhook: BotWebhook | undefined },
  options: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
): pulumi.Resource {
  const { name, updates } = bot;
  const { host, webhook } = garden;
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
        route,
        reference: bot.image.kind === "reference" ? bot.image.reference : "build",
        beforeDeploy: null,
      },
    },
    { parent: options.parent, dependsOn: [container, ...options.dependsOn] },
  );
}
