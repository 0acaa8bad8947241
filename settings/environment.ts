/** The environment of a bot: the standard set, and the bot's own function and secrets. */
import type { Input, Output } from "@pulumi/pulumi";
import type { BotSettings } from "./bot.ts";
import { type BotContext, botContext } from "./context.ts";
import { type Fault, SettingsError, throwFaults } from "./fault.ts";
import { shown, shownPath } from "./shown.ts";
import { reasonOf } from "./thrown.ts";

export { botContext };

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
type EnvironmentOwner = Pick<
  BotSettings,
  "name" | "file" | "environment" | "secrets" | "updates" | "database"
>;

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

/** What `checkEnvironments` needs to know. */
export interface Trial {
  readonly apiRoot: string;
  readonly timezone: string;
  /** Makes an Output of a text; `pulumi.output` does. */
  readonly later: (text: string) => Output<string>;
}

/**
 * Calls every bot's `environment` function once with made-up values, so that what is wrong in it is found before
 * the first resource is made.
 *
 * @throws SettingsError with the faults of all bots
 */
export function checkEnvironments(bots: readonly EnvironmentOwner[], trial: Trial): void {
  const faults: Fault[] = [];
  for (const bot of bots) {
    try {
      environmentOf(bot, trialContext(bot, trial));
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(...error.faults);
    }
  }
  throwFaults(faults);
}

function trialContext(bot: EnvironmentOwner, { apiRoot, timezone, later }: Trial): BotContext {
  const { name } = bot;
  const base = "https://garden.example.com/webhook";
  const database = {
    ...{ host: "postgres", port: 5432, name, user: name, password: later("password") },
    url: (scheme: string) => later(`${scheme}://${name}:password@postgres:5432/${name}`),
  };
  const { updates } = bot;
  const webhook =
    updates.kind === "webhook"
      ? { base, url: `${base}/${name}`, secret: later("secret"), port: updates.port, path: updates.path }
      : undefined;
  return botContext(bot.file, {
    ...{ name, webhook, timezone, telegram: { apiRoot } },
    database: bot.database === undefined ? undefined : database,
  });
}

function call(file: string, environment: (context: BotContext) => unknown, context: BotContext): unknown {
  try {
    return environment(context);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const fix = `Correct the function in ${file}.`;
    throw new SettingsError([
      { where: file, path: "environment", problem: `fails: ${reasonOf(error)}`, fix },
    ]);
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
  if (isLater(value)) return "a promise or Output";
  return typeof value === "string" ? "text" : typeof value === "number" ? "a number" : shown(value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLater(value);
}
