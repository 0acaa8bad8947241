import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { BotSettings, BotWebhook } from "../../settings/bot.ts";
import type { Edge } from "../edge/edge.ts";
import type { Host } from "../host/host.ts";

export interface WebhookArgs {
  readonly host: Host;
  readonly edge: Edge;
  readonly token: pulumi.Output<string>;
  readonly apiRoot: string;
}

function nameOf({ name }: BotSettings): string {
  return `${name}-webhook`;
}

/**
 * Whose webhook it is: Telegram's id of the bot, which stands before the colon of its token and is no secret. The token of
 * another bot leaves the former one's webhook behind, whose updates would come here; a new token of the same bot does not.
 */
function telegramBot(token: pulumi.Output<string>): pulumi.Output<string> {
  return pulumi.unsecret(token.apply((text) => /^(\d+):/.exec(text)?.[1] ?? ""));
}

/**
 * Tells Telegram where a bot's updates go, and takes that back when the bot is removed.
 *
 * @param after what must work before updates may come
 */
export function registerWebhook(
  bot: BotSettings,
  webhook: BotWebhook,
  args: WebhookArgs,
  options: { parent: pulumi.Resource; after: pulumi.Resource },
): pulumi.Resource {
  const { name, updates } = bot;
  if (updates.kind !== "webhook") throw new Error(`${name} polls and has no webhook`);
  const { host, edge, token, apiRoot } = args;
  const remove = ["bot-webhook", "unset", name] as const;
  const common = { parent: options.parent, dependsOn: [options.after] };
  const about = telegramBot(token);
  if (updates.registeredBy === "bot") {
    return host.command(
      nameOf(bot),
      { run: ["bot-webhook", "leave", name], remove, about, input: { apiRoot, token, url: webhook.url } },
      common,
    );
  }
  const { upload } = edge;
  const digest = upload?.apply((pem) => createHash("sha256").update(pem).digest("hex").slice(0, 12));
  return host.command(
    nameOf(bot),
    {
      run: digest === undefined ? ["bot-webhook", "set", name] : ["bot-webhook", "set", name, digest],
      remove,
      about,
      input: {
        apiRoot,
        token,
        url: webhook.url,
        secret: webhook.secret,
        certificate: upload ?? null,
        maxConnections: updates.maxConnections,
        allowedUpdates: updates.allowedUpdates ?? null,
        dropPendingUpdates: updates.dropPendingUpdates,
      },
    },
    common,
  );
}

/**
 * A bot that polls must have no webhook: Telegram answers its getUpdates with 409 while there is one. It is the same
 * resource as a webhook, so that a bot that becomes the other kind and then does not pass its gate gets its webhook again.
 */
export function clearWebhook(
  bot: BotSettings,
  args: WebhookArgs,
  options: { parent: pulumi.Resource },
): pulumi.Resource {
  return args.host.command(
    nameOf(bot),
    {
      run: ["bot-webhook", "unset", bot.name],
      about: telegramBot(args.token),
      input: { apiRoot: args.apiRoot, token: args.token },
    },
    { parent: options.parent, dependsOn: [args.host.ready] },
  );
}
