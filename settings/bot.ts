/** A bot: what its file exports (`defineBot`), and what the garden makes of it (`parseBot`). */
import { resolve } from "node:path";
import type * as z from "zod";
import { type BotBeforeDeploy, beforeDeployOf } from "./before-deploy.ts";
import { botSchema } from "./bot-schema.ts";
import type { BuildSecret } from "./build-secrets.ts";
import type { BotContext } from "./context.ts";
import type { BotDefinition } from "./definition.ts";
import { type Fault, SettingsError } from "./fault.ts";
import { fullPath } from "./file-path.ts";
import { check, type Place } from "./issues.ts";
import { nameProblem } from "./names.ts";
import { aboutOf } from "./schema.ts";
import { shown, shownPath } from "./shown.ts";
import { reasonOf } from "./thrown.ts";
import type { UpdateKind } from "./updates.ts";

export type * from "./context.ts";
export type * from "./definition.ts";

/**
 * Defines a bot of the garden; the default export of a file in bots/.
 *
 * @example
 * export default defineBot({ image: { build: "./hello" }, health: { path: "/health" } });
 */
export function defineBot(definition: BotDefinition): BotDefinition {
  return definition;
}

/** The checked settings of a bot, with every default filled in and every unit in the name. */
export interface BotSettings {
  /** The bot's file as the user knows it, for example `bots/hello.ts`. */
  readonly file: string;
  readonly name: string;
  readonly image: BotImage;
  /** The id of an image on the host that runs instead of `image`; see pins.ts. */
  readonly pin?: string;
  readonly updates: BotUpdates;
  readonly pages?: BotPages;
  readonly database?: BotDatabaseSettings;
  /** Call it through `environmentOf`, which checks what it gives. */
  readonly environment?: (context: BotContext) => unknown;
  /** Environment variable → key in the bot's own namespace of Pulumi's configuration. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Volume → absolute path in the container. */
  readonly volumes: Readonly<Record<string, string>>;
  readonly memoryMegabytes: number;
  readonly cpus: number;
  readonly processes: number;
  readonly health?: BotHealth;
  readonly beforeDeploy?: BotBeforeDeploy;
  readonly stopGraceSeconds: number;
  readonly user?: string;
}

/** Where the image comes from. */
export type BotImage =
  | { readonly kind: "reference"; readonly reference: string }
  | {
      readonly kind: "build";
      /** Absolute path of the build's folder. */
      readonly context: string;
      /** Absolute path of the Dockerfile. */
      readonly dockerfile: string;
      readonly args: Readonly<Record<string, string>>;
      /** Sorted by id. */
      readonly secrets: readonly BuildSecret[];
      readonly target?: string;
    };

/** How the bot gets its updates. */
export type BotUpdates =
  | {
      readonly kind: "webhook";
      readonly port: number;
      readonly path: string;
      readonly maxConnections: number;
      readonly allowedUpdates?: readonly UpdateKind[];
      readonly registeredBy: "garden" | "bot";
      readonly dropPendingUpdates: boolean;
      /** True if whoever registers the webhook gives Telegram the secret, so that the edge can ask for it. */
      readonly secretAtEdge: boolean;
      readonly rateLimit: BotRateLimit;
    }
  | { readonly kind: "polling" };

/** How many updates reach a bot: a leaky bucket. */
export interface BotRateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** A route for a bot's own HTTP pages. */
export interface BotPages {
  /** The public path, which the bot sees unchanged, with everything below it; it has no `/` at its end. */
  readonly path: string;
  /** The port in the bot's container. */
  readonly port: number;
}

/** Limits of the bot's role in Postgres. */
export interface BotDatabaseSettings {
  readonly connectionLimit: number;
  readonly statementTimeoutSeconds: number;
  readonly idleInTransactionTimeoutSeconds: number;
}

/** How the bot's health is seen. */
export interface BotHealth {
  readonly test:
    | { readonly kind: "path"; readonly path: string; readonly port: number }
    | { readonly kind: "command"; readonly command: readonly string[] };
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
  readonly startPeriodSeconds: number;
  readonly settleSeconds: number;
}

/** Where a definition comes from. */
export interface BotOrigin {
  /** The bot's file as messages show it. */
  readonly file: string;
  /** The name of a bot that says none: its file's name without `.ts`. */
  readonly defaultName: string;
  /** The folder to which `build` is relative; default `bots` in the working directory. */
  readonly directory?: string;
}

/** The port for health checks and pages of a bot without a webhook, and every bot's BOT_PORT unless it says another. */
export const DEFAULT_PORT = 8080;

/**
 * Checks what a bot's file exports.
 *
 * @throws SettingsError with all faults of this bot
 */
export function parseBot(definition: unknown, origin: BotOrigin): BotSettings {
  const place: Place = {
    where: origin.file,
    path: shownPath,
    fix: (path, example) => {
      const key = path.at(-1);
      return typeof key === "string" && shownPath([key]) === key
        ? `For example: ${key}: ${example}.`
        : undefined;
    },
  };
  const faults = [...exportFaults(definition, origin), ...defaultNameFaults(definition, origin)];
  if (faults.length > 0 && !isObject(definition)) throw new SettingsError(faults);
  const result = checkSafely(definition, place);
  faults.push(...result.faults);
  if (faults.length > 0 || result.value === undefined) throw new SettingsError(faults);
  return settingsOf(result.value, origin);
}

/** A definition with getters or proxies may throw when it is read. */
function checkSafely(definition: unknown, place: Place): ReturnType<typeof check<typeof botSchema>> {
  try {
    return check(botSchema, definition, place);
  } catch (error) {
    const problem = `can't be read: ${reasonOf(error)}`;
    return { faults: [{ where: place.where, path: "", problem }] };
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Promise);
}

function exportFaults(definition: unknown, origin: BotOrigin): Fault[] {
  if (isObject(definition)) return [];
  return [
    {
      where: origin.file,
      path: "",
      problem: definition === undefined ? "exports no bot" : "exports something else than a bot",
      got:
        definition === undefined
          ? undefined
          : definition instanceof Promise
            ? "a promise"
            : shown(definition),
      fix: `It must end with: export default defineBot({ image: { build: "./${origin.defaultName}" } });`,
    },
  ];
}

/** The file's name is the bot's name unless the definition says another. */
function defaultNameFaults(definition: unknown, origin: BotOrigin): Fault[] {
  const problem = nameProblem(origin.defaultName);
  if (problem === undefined || !isObject(definition) || Object.hasOwn(definition, "name")) return [];
  return [
    {
      where: origin.file,
      path: "name",
      problem: `is the file's, and ${problem}`,
      got: shown(origin.defaultName),
      allowed: aboutOf(botSchema.shape.name)?.allowed,
      fix: 'Rename the file, or give a name in it, for example: name: "hello".',
    },
  ];
}

function settingsOf(parsed: z.output<typeof botSchema>, origin: BotOrigin): BotSettings {
  const updates = updatesOf(parsed);
  return {
    file: origin.file,
    name: parsed.name ?? origin.defaultName,
    image: imageOf(parsed, resolve(origin.directory ?? "bots")),
    updates,
    ...(parsed.pages === undefined ? {} : { pages: pagesOf(parsed.pages, updates) }),
    ...(parsed.database === false ? {} : { database: databaseOf(parsed.database) }),
    ...(parsed.environment === undefined ? {} : { environment: parsed.environment }),
    secrets: parsed.secrets,
    volumes: parsed.volumes,
    memoryMegabytes: parsed.memory,
    cpus: parsed.cpus,
    processes: parsed.processes,
    ...(parsed.health === undefined ? {} : { health: healthOf(parsed.health, updates) }),
    ...(parsed.beforeDeploy === undefined ? {} : { beforeDeploy: beforeDeployOf(parsed.beforeDeploy) }),
    stopGraceSeconds: parsed.stopGrace,
    ...(parsed.user === undefined ? {} : { user: parsed.user }),
  };
}

type Parsed = z.output<typeof botSchema>;
type ParsedBuild = Exclude<Parsed["image"], string>;

function imageOf({ image }: Parsed, directory: string): BotImage {
  if (typeof image === "string") return { kind: "reference", reference: image };
  const context = resolve(directory, image.build);
  return {
    kind: "build",
    context,
    dockerfile: resolve(context, image.dockerfile),
    args: image.args,
    secrets: secretsOf(image.secrets, directory),
    ...(image.target === undefined ? {} : { target: image.target }),
  };
}

function secretsOf(secrets: ParsedBuild["secrets"], directory: string): BuildSecret[] {
  return Object.entries(secrets)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { env, file = "" }]) =>
      env === undefined
        ? { id, kind: "file", path: fullPath(file, directory) }
        : { id, kind: "env", variable: env },
    );
}

function updatesOf({ webhook, polling }: Parsed): BotUpdates {
  if (polling) return { kind: "polling" };
  const { allowedUpdates, passesSecret, ...others } = webhook ?? botSchema.shape.webhook.unwrap().parse({});
  return {
    kind: "webhook",
    ...others,
    ...(allowedUpdates === undefined ? {} : { allowedUpdates }),
    secretAtEdge: others.registeredBy === "garden" || passesSecret,
  };
}

function pagesOf({ path, port }: NonNullable<Parsed["pages"]>, updates: BotUpdates): BotPages {
  return { path, port: port ?? portOf(updates) };
}

function portOf(updates: BotUpdates): number {
  return updates.kind === "webhook" ? updates.port : DEFAULT_PORT;
}

function databaseOf(database: Exclude<Parsed["database"], false>): BotDatabaseSettings {
  const defaults = botSchema.shape.database.unwrap().options[1];
  const limits = database === true ? defaults.parse({}) : database;
  return {
    connectionLimit: limits.connectionLimit,
    statementTimeoutSeconds: limits.statementTimeout,
    idleInTransactionTimeoutSeconds: limits.idleInTransactionTimeout,
  };
}

function healthOf(health: NonNullable<Parsed["health"]>, updates: BotUpdates): BotHealth {
  const port = health.port ?? portOf(updates);
  return {
    test:
      health.command === undefined
        ? { kind: "path", path: health.path ?? "/", port }
        : { kind: "command", command: health.command },
    intervalSeconds: health.interval,
    timeoutSeconds: health.timeout,
    retries: health.retries,
    startPeriodSeconds: health.startPeriod,
    settleSeconds: health.settle,
  };
}
