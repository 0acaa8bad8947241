/** How updates reach a bot's webhook. */
import * as z from "zod";
import { httpPath } from "./http-path.ts";
import { wholeNumber } from "./number.ts";
import { rule, setting } from "./schema.ts";
import { UPDATE_KINDS } from "./updates.ts";

const rateLimitSchema = z.strictObject({
  perSecond: wholeNumber(
    { from: 1, to: 10_000 },
    {
      description:
        "How many updates per second reach the bot in the long run. What is more gets 429, and Telegram delivers it later.",
      example: "300",
    },
  ).default(300),
  burst: wholeNumber(
    { from: 1, to: 100_000 },
    {
      description: "How many updates may come at once before `perSecond` counts.",
      example: "600",
    },
  ).default(600),
});

/** A bot's section `webhook`. */
export const webhookSchema = rule(
  rule(
    z.strictObject({
      port: wholeNumber(
        { from: 1024, to: 65535 },
        {
          description:
            "The port on which the bot listens, in its container; no port of the host is taken. At least 1024, as bots do not run as root.",
          example: "8080",
        },
      ).default(8080),
      path: httpPath(
        "The path at which the bot takes updates, in its container. The public path is always /webhook/NAME.",
        '"/webhook"',
      ).prefault("/webhook"),
      maxConnections: wholeNumber(
        { from: 1, to: 100 },
        {
          description:
            "How many connections Telegram opens at most (setWebhook's `max_connections`): so many updates reach the bot at the same time.",
          example: "40",
        },
      ).default(40),
      allowedUpdates: setting(
        z
          .array(
            setting(z.enum(UPDATE_KINDS), {
              description: "",
              type: "text",
              allowed: `one of ${UPDATE_KINDS.join(", ")}`,
              example: '"message"',
            }),
          )
          .min(1),
        {
          description: "The kinds of updates that Telegram sends (setWebhook's `allowed_updates`).",
          type: "list",
          allowed: "a list of Telegram's kinds of updates",
          example: '["message", "callback_query"]',
          default: "Telegram's default: all but chat_member, message_reaction and message_reaction_count",
        },
      ).optional(),
      registeredBy: setting(z.enum(["garden", "bot"]), {
        description:
          "Who calls setWebhook: `garden` does it, checks the result and removes the webhook with the bot; `bot` if the program insists, whose webhook is then only removed with the bot.",
        type: "text",
        allowed: '"garden" or "bot"',
        example: '"garden"',
      }).default("garden"),
      dropPendingUpdates: setting(z.boolean(), {
        description:
          "Whether updates that wait at Telegram are thrown away when the webhook is set (setWebhook's `drop_pending_updates`).",
        type: "yes or no",
        allowed: "true or false",
        example: "false",
      }).default(false),
      passesSecret: setting(z.boolean(), {
        description:
          "For `registeredBy: \"bot\"`: whether the bot gives WEBHOOK_SECRET to setWebhook (`secret_token`), so that the edge can refuse whoever doesn't know it. If not, the bot must tell Telegram's updates from others itself.",
        type: "yes or no",
        allowed: "true or false",
        example: "true",
      }).default(false),
      rateLimit: rateLimitSchema.prefault({}),
    }),
    {
      path: "registeredBy",
      aboutPresence: true,
      problem: 'is "bot", so webhook.allowedUpdates and webhook.dropPendingUpdates would do nothing',
      fix: "Remove them, and let the bot give them to setWebhook itself.",
    },
    ({ registeredBy, allowedUpdates, dropPendingUpdates }) =>
      registeredBy !== "bot" || (allowedUpdates === undefined && dropPendingUpdates !== true),
  ),
  {
    path: "passesSecret",
    aboutPresence: true,
    problem: 'means nothing unless webhook.registeredBy is "bot", as the garden always gives the secret',
    fix: "Remove it.",
  },
  ({ registeredBy, passesSecret }) => registeredBy === "bot" || passesSecret !== true,
);
