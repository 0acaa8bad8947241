import * as pulumi from "@pulumi/pulumi";
import type { BotSettings, BotWebhook } from "../../settings/bot.ts";
import { authorityFile, type Database } from "./database.ts";

export interface EnvironmentArgs {
  readonly bot: BotSettings;
  readonly token: pulumi.Output<string>;
  readonly database: Database | undefined;
  readonly webhook: BotWebhook | undefined;
  /** The bot's own secrets, by the name of their variable. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** What the bot's file computes. */
  readonly computed: Readonly<Record<string, pulumi.Input<string>>>;
  readonly apiRoot: string;
  readonly timezone: string;
}

/**
 * The environment of a bot's container as `NAME=value`: the standard set, what the bot's file computes, its secrets.
 * Sorted, so that the order in which a file names things is no change.
 */
export function botEnvironment(args: EnvironmentArgs): pulumi.Output<string>[] {
  const { bot, webhook, database } = args;
  const all: Record<string, pulumi.Input<string>> = {
    BOT_NAME: bot.name,
    BOT_TOKEN: args.token,
    TELEGRAM_API_ROOT: args.apiRoot,
    TZ: args.timezone,
    ...(webhook === undefined ? {} : webhookVariables(webhook)),
    ...(database === undefined ? {} : databaseVariables(database)),
    ...args.computed,
    ...args.secrets,
  };
  return Object.keys(all)
    .sort()
    .map((name) => pulumi.interpolate`${name}=${all[name]}`);
}

function webhookVariables(webhook: BotWebhook): Record<string, pulumi.Input<string>> {
  return {
    BOT_PORT: String(webhook.port),
    BOT_WEBHOOK_PATH: webhook.path,
    WEBHOOK_BASE: webhook.base,
    WEBHOOK_URL: webhook.url,
    WEBHOOK_SECRET: webhook.secret,
  };
}

/** The names that the garden has always used, and libpq's own for the check of the server's certificate. */
function databaseVariables(database: Database): Record<string, pulumi.Input<string>> {
  return {
    POSTGRES_HOST: database.host,
    POSTGRES_PORT: String(database.port),
    POSTGRES_DB: database.name,
    POSTGRES_USER: database.user,
    POSTGRES_PASSWORD: database.password,
    PGSSLMODE: "verify-full",
    PGSSLROOTCERT: authorityFile,
  };
}
