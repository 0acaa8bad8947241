/** The environment of a bot: the standard set, and the bot's own function and secrets. */
import type { Input } from "@pulumi/pulumi";
import type { BotContext, BotDatabase, BotWebhook } from "./definition.ts";
import { type Fault, SettingsError, throwFaults } from "./fault.ts";
import { shown, shownPath } from "./shown.ts";

/** The variables that every bot gets, with their meaning. The names are the garden's and can't be taken. */
export const STANDARD_ENVIRONMENT: ReadonlyMap<string, string> = new Map([
  ["BOT_NAME", "The bot's name."],
  ["BOT_PORT", "The port on which the bot listens."],
  ["BOT_TOKEN", "The bot's token. Secret."],
  ["BOT_WEBHOOK_PATH", "The path at which the bot takes updates. Not for bots that poll."],
  ["WEBHOOK_BASE", "The public address without the bot's name. Not for bots that poll."],
  ["WEBHOOK_URL", "The public address of the bot's webhook. Not for bots that poll."],
  ["WEBHOOK_SECRET", "What X-Telegram-Bot-Api-Secret-Token must say. Secret. Not for bots that poll."],
  ["POSTGRES_HOST", "The database's host. This and all further ones only for bots with a database."],
  ["POSTGRES_PORT", "The database's port."],
  ["POSTGRES_DB", "The database's name."],
  ["POSTGRES_USER", "The database's role."],
  ["POSTGRES_PASSWORD", "The role's password. Secret."],
  ["PGSSLMODE", "`verify-full`, for clients that read libpq's variables."],
  ["PGSSLROOTCERT", "The file of the garden's own CA, which signed the database's certificate."],
  ["TZ", "The garden's time zone."],
  ["TELEGRAM_API_ROOT", "Where the Bot API is."],
]);

/** What is wrong with a variable's name, in words that follow its path, or undefined if it fits. */
export function variableProblem(name: string): string | undefined {
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) return "is not the name of an environment variable";
  return STANDARD_ENVIRONMENT.has(name) ? "is a variable that the garden sets itself" : undefined;
}

/** What to do about such a name. */
export function variableFix(name: string): string {
  return STANDARD_ENVIRONMENT.has(name)
    ? "Choose another name."
    : "Names are upper-case letters, digits and underscores, for example WEATHER_KEY.";
}

/** The part of a bot's settings that decides on its environment. */
interface EnvironmentOwner {
  readonly name: string;
  readonly file: string;
  readonly environment?: ((context: BotContext) => unknown) | undefined;
  readonly secrets: Readonly<Record<string, string>>;
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

/**
 * Calls a bot's `environment` function and checks what it gives.
 *
 * @throws SettingsError that names the bot's file: the function throws, gives something else than an object of
 *   texts, or takes a name that isn't free
 */
export function environmentOf(bot: EnvironmentOwner, context: BotContext): Record<string, Input<string>> {
  if (bot.environment === undefined) return {};
  const given = call(bot.file, bot.environment, context);
  if (!isPlainObject(given)) {
    const fix = 'For example: environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql") }).';
    const problem = "gives the wrong thing";
    throw new SettingsError([
      {
        where: bot.file,
        path: "environment",
        problem,
        got: kindOf(given),
        allowed: "an object of variables",
        fix,
      },
    ]);
  }
  throwFaults(Object.entries(given).flatMap(([name, value]) => variableFaults(bot, name, value)));
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value as Input<string>]));
}

function call(file: string, environment: (context: BotContext) => unknown, context: BotContext): unknown {
  try {
    return environment(context);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const reason = error instanceof Error ? error.message : shown(error);
    const fix = `Correct the function in ${file}.`;
    throw new SettingsError([{ where: file, path: "environment", problem: `throws: ${reason}`, fix }]);
  }
}

function variableFaults(bot: EnvironmentOwner, name: string, value: unknown): Fault[] {
  const place = { where: bot.file, path: shownPath(["environment", name]) };
  const problem = variableProblem(name);
  if (problem !== undefined) return [{ ...place, problem, fix: variableFix(name) }];
  if (Object.hasOwn(bot.secrets, name)) {
    return [{ ...place, problem: "is also in secrets", fix: "Give it in one of the two." }];
  }
  if (typeof value === "string" || isLater(value)) return [];
  const problemOfValue = "is of the wrong type";
  return [{ ...place, problem: problemOfValue, got: kindOf(value), allowed: "text, or an Output of text" }];
}

/** True for a Pulumi Output or a promise. */
function isLater(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (("then" in value && typeof value.then === "function") ||
      ("apply" in value && typeof value.apply === "function"))
  );
}

/** A kind only, as values of variables may be secrets. */
function kindOf(value: unknown): string {
  return typeof value === "string" ? "text" : typeof value === "number" ? "a number" : shown(value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLater(value);
}
