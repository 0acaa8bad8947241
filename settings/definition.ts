/**
 * What a file in bots/ may say: the types behind `defineBot`, written for the editor. The rules and defaults
 * are in bot.ts; a test holds the first sentences here and the descriptions there together.
 */
import type { Input } from "@pulumi/pulumi";
import type { BotContext } from "./context.ts";
import type { Duration } from "./duration.ts";
import type { Size } from "./size.ts";
import type { UpdateKind } from "./updates.ts";

/** A bot of the garden. */
export type BotDefinition = BotParts & (WebhookDelivery | PollingDelivery);

/** Updates come to the bot's webhook; also what a bot gets that says neither. */
interface WebhookDelivery {
  readonly webhook?: WebhookDefinition;
  readonly polling?: never;
}

/** The bot asks Telegram for its updates. */
interface PollingDelivery {
  /**
   * The bot asks Telegram for updates itself (getUpdates): no route, no webhook. At a release the old container
   * is stopped before the new one starts, as Telegram refuses two pollers.
   */
  readonly polling: true;
  readonly webhook?: never;
}

interface BotParts {
  /**
   * The bot's name: of its role and database, its containers, its route and its secrets' namespace. A change
   * retires the old bot, database included, and plants a new one.
   *
   * 2 to 32 lower-case letters, digits and single hyphens.
   *
   * @default - the file's name without `.ts`
   */
  readonly name?: string;

  /**
   * The image: a reference with a tag or digest, or `build` with a folder that the host builds. A change is a
   * release: the new container takes over when it is healthy.
   *
   * @example "ghcr.io/me/hello:1.2.0"
   * @example { build: "./hello" }
   */
  readonly image: string | ImageBuild;

  /**
   * A route for HTTP pages of the bot's own, like payments or a mini app: the path and what is below it goes to
   * the bot, from anyone and with every method.
   *
   * @example { path: "/pay" }
   */
  readonly pages?: PagesDefinition;

  /**
   * The database of the bot's own: `false` for none, `true` or limits for one. A change to `false` removes the
   * database with its data, after a last dump.
   *
   * @default true
   */
  readonly database?: boolean | DatabaseDefinition;

  /**
   * A function that gives further environment variables, besides the standard set (docs/settings.md). A change
   * of a value is a release.
   *
   * @example ({ database }) => ({ DATABASE_URL: database.url("postgresql+asyncpg") })
   */
  readonly environment?: (context: BotContext) => Readonly<Record<string, Input<string>>>;

  /**
   * Secrets of the bot: the environment variable, and the key under which the bot's own namespace of Pulumi's
   * configuration holds it. A change of a value is a release.
   *
   * @example { WEATHER_KEY: "weatherKey" } // pulumi config set --secret hello:weatherKey …
   */
  readonly secrets?: Readonly<Record<string, string>>;

  /**
   * Volumes that outlive the container: their names, and where the bot finds them. A bot with volumes is
   * stopped before its next release starts, as two containers must not write one file.
   *
   * @example { data: "/data" }
   */
  readonly volumes?: Readonly<Record<string, string>>;

  /**
   * The container's memory limit (Docker's `--memory`, without further swap). A bot that needs more is killed
   * and started again.
   *
   * @default "256 MB"
   */
  readonly memory?: Size;

  /**
   * How many of the host's processors the bot may use at most (Docker's `--cpus`). Fractions are allowed.
   *
   * @default 1
   */
  readonly cpus?: number;

  /**
   * How many processes and threads the bot may have at most (Docker's `--pids-limit`).
   *
   * @default 256
   */
  readonly processes?: number;

  /**
   * How the garden sees that the bot is well, which a release must be before it gets traffic: a path that
   * answers 2xx, or a command in the container that ends with 0.
   *
   * @example { path: "/health" }
   * @default - no check: the bot counts as well as soon as its container runs
   */
  readonly health?: HealthDefinition;

  /**
   * A command that runs before a release, in a container of its own with the new image and all that the bot has: for
   * migrations. The database is dumped before it. If it fails, the release is not begun and the old one goes on.
   *
   * @example ["alembic", "upgrade", "head"]
   * @example { command: ["alembic", "upgrade", "head"], timeout: "30 minutes" }
   */
  readonly beforeDeploy?: readonly string[] | BeforeDeployDefinition;

  /**
   * How long a bot may take to finish its work after SIGTERM, before it is killed (Docker's `--stop-timeout`).
   *
   * @default "30 seconds"
   */
  readonly stopGrace?: Duration;

  /**
   * The user that the bot runs as, `1000:1000` or a name in the image (Docker's `--user`). Never root.
   *
   * @default - the image's own user, which must not be root
   */
  readonly user?: string;
}

/** An image that is built on the host. */
export interface ImageBuild {
  /**
   * The folder of the build (Docker's build context), relative to bots/.
   */
  readonly build: string;
  /**
   * The Dockerfile, relative to the build's folder.
   *
   * @default "Dockerfile"
   */
  readonly dockerfile?: string;
  /**
   * Arguments of the build (Docker's `--build-arg`). They can be read in the image: never put a secret here, but in
   * `secrets`.
   *
   * @default {}
   */
  readonly args?: Readonly<Record<string, string>>;
  /**
   * Secrets of the build (Docker's `--secret`), which the Dockerfile reads with `RUN --mount=type=secret,id=…`: for each
   * id the environment variable of `pulumi up` (`env`) or the file on that machine (`file`, from `~/` or relative to
   * bots/) that holds it. The value goes to the host for the build alone: not into the image, not into Pulumi's state. A
   * changed value alone builds nothing anew.
   *
   * @default {}
   * @example { npm: { env: "NPM_TOKEN" }, netrc: { file: "~/.netrc" } }
   */
  readonly secrets?: Readonly<Record<string, BuildSecretDefinition>>;
  /**
   * The stage of the Dockerfile that is built (Docker's `--target`).
   *
   * @default - the last one
   */
  readonly target?: string;
}

/** Where a secret of a build is, on the machine that runs Pulumi: one of `env` and `file`. */
export type BuildSecretDefinition =
  | {
      /**
       * The environment variable of `pulumi up` that holds the secret.
       */
      readonly env: string;
      readonly file?: never;
    }
  | {
      /**
       * The file that holds the secret, on the machine that runs Pulumi.
       */
      readonly file: string;
      readonly env?: never;
    };

/** How updates reach a bot's webhook. */
export interface WebhookDefinition {
  /**
   * The port on which the bot listens, in its container; no port of the host is taken. At least 1024, as bots
   * do not run as root.
   *
   * @default 8080
   */
  readonly port?: number;
  /**
   * The path at which the bot takes updates, in its container. The public path is always /webhook/NAME.
   *
   * @default "/webhook"
   */
  readonly path?: string;
  /**
   * How many connections Telegram opens at most (setWebhook's `max_connections`): so many updates reach the bot
   * at the same time.
   *
   * @default 40
   */
  readonly maxConnections?: number;
  /**
   * The kinds of updates that Telegram sends (setWebhook's `allowed_updates`).
   *
   * @default - Telegram's default: all but chat_member, message_reaction and message_reaction_count
   */
  readonly allowedUpdates?: readonly UpdateKind[];
  /**
   * Who calls setWebhook: `garden` does it, checks the result and removes the webhook with the bot; `bot` if
   * the program insists, whose webhook is then only removed with the bot.
   *
   * @default "garden"
   */
  readonly registeredBy?: "garden" | "bot";
  /**
   * Whether updates that wait at Telegram are thrown away when the webhook is set (setWebhook's
   * `drop_pending_updates`).
   *
   * @default false
   */
  readonly dropPendingUpdates?: boolean;
  /**
   * For `registeredBy: "bot"`: whether the bot gives WEBHOOK_SECRET to setWebhook (`secret_token`), so that the
   * edge can refuse whoever doesn't know it. If not, the bot must tell Telegram's updates from others itself.
   *
   * @default false
   */
  readonly passesSecret?: boolean;
  /**
   * How many updates reach the bot.
   */
  readonly rateLimit?: RateLimitDefinition;
}

/** How many updates reach a bot. */
export interface RateLimitDefinition {
  /**
   * How many updates per second reach the bot in the long run. What is more gets 429, and Telegram delivers it
   * later.
   *
   * @default 300
   */
  readonly perSecond?: number;
  /**
   * How many updates may come at once before `perSecond` counts.
   *
   * @default 600
   */
  readonly burst?: number;
}

/** A route for HTTP pages of a bot's own. */
export interface PagesDefinition {
  /**
   * The public path, which the bot sees unchanged: for `/pay` it gets `/pay` and everything below it. No other
   * bot's path may be the same, above or below it.
   *
   * @example "/pay"
   */
  readonly path: string;
  /**
   * The port in the bot's container that serves the pages.
   *
   * @default - the webhook's port; 8080 for a bot that polls
   */
  readonly port?: number;
}

/** Limits of a bot's database. */
export interface DatabaseDefinition {
  /**
   * How many connections the bot may have open at most (PostgreSQL's CONNECTION LIMIT of the role). During a
   * release the old and the new container share them.
   *
   * @default 5
   */
  readonly connectionLimit?: number;
  /**
   * The longest that one statement may take (PostgreSQL's `statement_timeout`).
   *
   * @default "30 seconds"
   */
  readonly statementTimeout?: Duration;
  /**
   * The longest that a transaction may do nothing (PostgreSQL's `idle_in_transaction_session_timeout`).
   *
   * @default "60 seconds"
   */
  readonly idleInTransactionTimeout?: Duration;
}

/** What runs before a release. */
export interface BeforeDeployDefinition {
  /**
   * The command and its arguments; no shell is between, and the image's entry point is left out.
   *
   * @example ["alembic", "upgrade", "head"]
   */
  readonly command: readonly string[];
  /**
   * How long the command may take. What takes longer is killed, and the release is not begun. A single statement may
   * take no longer than `database.statementTimeout`.
   *
   * @default "5 minutes"
   */
  readonly timeout?: Duration;
}

/** How a bot's health is seen: one of `path` and `command`. */
export type HealthDefinition = HealthTiming &
  (
    | {
        /**
         * The path that answers 2xx when the bot is well.
         */
        readonly path: string;
        /**
         * The port of `path`.
         *
         * @default - the webhook's port; 8080 for a bot that polls
         */
        readonly port?: number;
        readonly command?: never;
      }
    | {
        /**
         * The command and its arguments; no shell is between.
         *
         * @example ["python", "-m", "hello.check"]
         */
        readonly command: readonly string[];
        readonly path?: never;
        readonly port?: never;
      }
  );

interface HealthTiming {
  /**
   * How often the bot is asked (Docker's `--health-interval`).
   *
   * @default "10 seconds"
   */
  readonly interval?: Duration;
  /**
   * How long an answer may take (Docker's `--health-timeout`).
   *
   * @default "5 seconds"
   */
  readonly timeout?: Duration;
  /**
   * How many failures in a row make a bot unhealthy (Docker's `--health-retries`).
   *
   * @default 3
   */
  readonly retries?: number;
  /**
   * How long after its start failures don't count (Docker's `--health-start-period`).
   *
   * @default "30 seconds"
   */
  readonly startPeriod?: Duration;
  /**
   * How long a new release is watched after it took over the updates: if it exits or becomes unhealthy, the one before
   * takes over again.
   *
   * @default "5 seconds"
   */
  readonly settle?: Duration;
}
