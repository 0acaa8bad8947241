/** What a bot's function `environment` gets to know about the garden. */
import type { Output } from "@pulumi/pulumi";
import { SettingsError } from "./fault.ts";

/** What the function `environment` gets. */
export interface BotContext {
  /** The bot's name. */
  readonly name: string;
  /** The bot's database. Reading it throws a `SettingsError` for a bot with `database: false`. */
  readonly database: BotDatabase;
  /** The bot's webhook. Reading it throws a `SettingsError` for a bot that polls. */
  readonly webhook: BotWebhook;
  /** Telegram's Bot API. */
  readonly telegram: { readonly apiRoot: string };
  /** The garden's time zone, for example `UTC`. */
  readonly timezone: string;
}

/** A bot's database as its container reaches it. */
export interface BotDatabase {
  readonly host: string;
  readonly port: number;
  /** The database's name. */
  readonly name: string;
  /** The role's name. */
  readonly user: string;
  /** Secret. */
  readonly password: Output<string>;
  /** A URL with user, password, database and the demand for TLS. Secret. `scheme` is for example `postgresql`. */
  url(scheme: string): Output<string>;
}

/** A bot's webhook. */
export interface BotWebhook {
  /** The public address without the bot's name, for example `https://bots.example.com/webhook`. */
  readonly base: string;
  /** The public address. */
  readonly url: string;
  /** What Telegram sends in X-Telegram-Bot-Api-Secret-Token. Secret. */
  readonly secret: Output<string>;
  /** The port in the container. */
  readonly port: number;
  /** The path in the container. */
  readonly path: string;
}

/** What a context holds; `database` and `webhook` only if the bot has one. */
export interface ContextParts extends Omit<BotContext, "database" | "webhook"> {
  readonly database?: BotDatabase | undefined;
  readonly webhook?: BotWebhook | undefined;
}

/** The context of a bot; what the bot doesn't have throws a message that says so when it is read. */
export function botContext(file: string, parts: ContextParts): BotContext {
  return {
    name: parts.name,
    telegram: parts.telegram,
    timezone: parts.timezone,
    get database() {
      return parts.database ?? absent(file, "database", "has database: false", "Remove database: false");
    },
    get webhook() {
      return parts.webhook ?? absent(file, "webhook", "has polling: true", "Remove polling: true");
    },
  };
}

function absent(file: string, part: string, reason: string, fix: string): never {
  const problem = `uses the ${part}, but the bot ${reason}`;
  throw new SettingsError([{ where: file, path: "environment", problem, fix: `${fix}, or don't use it.` }]);
}
