/** The rules and defaults of a bot's definition. The types for the editor are in definition.ts. */
import * as z from "zod";
import type { BotContext } from "./definition.ts";
import { seconds } from "./duration.ts";
import { variableFix, variableProblem } from "./environment.ts";
import { imageReference } from "./image.ts";
import { nameSchema } from "./names.ts";
import { wholeNumber } from "./number.ts";
import { rule, setting } from "./schema.ts";
import { megabytes } from "./size.ts";
import { UPDATE_KINDS } from "./updates.ts";

const HTTP_PATH = /^\/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*\/?)*$/;
const RELATIVE_PATH = /^(?:\.{1,2}\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/?$/;

function httpPath(description: string, example: string) {
  return setting(z.string().max(200).regex(HTTP_PATH), {
    description,
    example,
    type: "path",
    allowed: 'a path from "/" on, of letters, digits and - . _ ~ /',
  });
}

const buildSchema = z.strictObject({
  build: setting(z.string().max(200).regex(RELATIVE_PATH), {
    description: "The folder of the build (Docker's build context), relative to bots/.",
    type: "folder",
    allowed: "a folder relative to bots/",
    example: '"./hello"',
  }),
  dockerfile: setting(z.string().max(200).regex(RELATIVE_PATH), {
    description: "The Dockerfile, relative to the build's folder.",
    type: "file",
    allowed: "a file relative to the build's folder",
    example: '"Dockerfile"',
  }).prefault("Dockerfile"),
  args: z
    .record(
      z.string(),
      setting(z.string(), {
        description: "",
        type: "text",
        allowed: "text",
        example: '"3.13"',
        secret: true,
      }),
    )
    .meta({
      description:
        "Arguments of the build (Docker's `--build-arg`). They can be read in the image: never put a secret here.",
      type: "object of texts",
      allowed: "an object with a text for each argument",
      example: '{ VERSION: "3.13" }',
    })
    .prefault({}),
  target: setting(z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/), {
    description: "The stage of the Dockerfile that is built (Docker's `--target`).",
    type: "text",
    allowed: "the name of a stage",
    example: '"runtime"',
    default: "the last one",
  }).optional(),
});

const webhookSchema = rule(
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
        "Who calls setWebhook: `garden` does it, checks the result and removes the webhook with the bot; `bot` if the program insists, which then gets no check of its secret at the edge.",
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
  }),
  {
    path: "registeredBy",
    problem: 'is "bot", so webhook.allowedUpdates and webhook.dropPendingUpdates would do nothing',
    fix: "Remove them, and let the bot give them to setWebhook itself.",
  },
  ({ registeredBy, allowedUpdates, dropPendingUpdates }) =>
    registeredBy !== "bot" || (allowedUpdates === undefined && dropPendingUpdates !== true),
);

const databaseSchema = z.strictObject({
  connectionLimit: wholeNumber(
    { from: 1, to: 1000 },
    {
      description:
        "How many connections the bot may have open at most (PostgreSQL's CONNECTION LIMIT of the role). During a release the old and the new container share them.",
      example: "5",
    },
  ).default(5),
  statementTimeout: seconds(
    { from: 1, to: 86400 },
    {
      description: "The longest that one statement may take (PostgreSQL's `statement_timeout`).",
      example: '"30 seconds"',
    },
  ).prefault("30 seconds"),
  idleInTransactionTimeout: seconds(
    { from: 1, to: 86400 },
    {
      description:
        "The longest that a transaction may do nothing (PostgreSQL's `idle_in_transaction_session_timeout`).",
      example: '"60 seconds"',
    },
  ).prefault("60 seconds"),
});

const healthSchema = rule(
  rule(
    z.strictObject({
      path: httpPath("The path that answers 2xx when the bot is well.", '"/health"').optional(),
      port: wholeNumber({ from: 1024, to: 65535 }, { description: "The port of `path`.", example: "8080" })
        .meta({
          description: "The port of `path`.",
          type: "number",
          allowed: "a whole number from 1024 to 65535",
          example: "8080",
          default: "the webhook's port; 8080 for a bot that polls",
        })
        .optional(),
      command: setting(z.array(z.string().min(1)).min(1), {
        description: "The command and its arguments; no shell is between.",
        type: "list of texts",
        allowed: "a list of a command and its arguments",
        example: '["python", "-m", "hello.check"]',
      }).optional(),
      interval: seconds(
        { from: 1, to: 3600 },
        {
          description: "How often the bot is asked (Docker's `--health-interval`).",
          example: '"10 seconds"',
        },
      ).prefault("10 seconds"),
      timeout: seconds(
        { from: 1, to: 600 },
        { description: "How long an answer may take (Docker's `--health-timeout`).", example: '"5 seconds"' },
      ).prefault("5 seconds"),
      retries: wholeNumber(
        { from: 1, to: 100 },
        {
          description: "How many failures in a row make a bot unhealthy (Docker's `--health-retries`).",
          example: "3",
        },
      ).default(3),
      startPeriod: seconds(
        { from: 0, to: 3600 },
        {
          description: "How long after its start failures don't count (Docker's `--health-start-period`).",
          example: '"30 seconds"',
        },
      ).prefault("30 seconds"),
    }),
    {
      path: "path",
      problem: "and health.command are alternatives, and exactly one of them is needed",
      fix: 'For example: health: { path: "/health" }.',
    },
    ({ path, command }) => (path === undefined) !== (command === undefined),
  ),
  {
    path: "port",
    problem: "means nothing to health.command",
    fix: "Remove it.",
  },
  ({ port, command }) => port === undefined || command === undefined,
);

const secretsSchema = z
  .record(
    z.string(),
    setting(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/), {
      description: "",
      type: "text",
      allowed: "the key of a secret in Pulumi's configuration, not the secret itself",
      example: '"weatherKey"',
      secret: true,
    }),
  )
  .meta({
    description:
      "Secrets of the bot: the environment variable, and the key under which the bot's own namespace of Pulumi's configuration holds it. A change of a value is a release.",
    type: "object of texts",
    allowed: "an object with a configuration key for each environment variable",
    example: '{ WEATHER_KEY: "weatherKey" }',
  })
  .check((context) => {
    for (const name of Object.keys(context.value)) {
      const message = variableProblem(name);
      if (message === undefined) continue;
      const params = { fix: variableFix(name) };
      context.issues.push({ code: "custom", message, path: [name], params, input: name });
    }
  });

const CONTAINER_PATH = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;
const SYSTEM_PATH = /^\/(?:proc|sys|dev|etc|bin|sbin|lib|lib64|usr|boot|run)(?:\/|$)/;

const volumesSchema = z
  .record(
    z.string(),
    setting(z.string().max(200).regex(CONTAINER_PATH), {
      description: "",
      type: "text",
      allowed: 'an absolute path in the container, like "/data", and none of the system\'s own folders',
      example: '"/data"',
    }).check((context) => {
      if (!SYSTEM_PATH.test(context.value)) return;
      context.issues.push({
        code: "custom",
        message: "is one of the system's own folders",
        input: context.value,
      });
    }),
  )
  .meta({
    description:
      "Volumes that outlive the container: their names, and where the bot finds them. A bot with volumes is stopped before its next release starts, as two containers must not write one file.",
    type: "object of texts",
    allowed: "an object with an absolute path in the container for each volume's name",
    example: '{ data: "/data" }',
  })
  .check((context) => {
    const paths = Object.values(context.value);
    for (const [index, name] of Object.keys(context.value).entries()) {
      const push = (message: string, fix: string): void => {
        context.issues.push({ code: "custom", message, path: [name], params: { fix }, input: name });
      };
      if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
        push("has a name that is not allowed", "Names are 1 to 32 lower-case letters, digits and hyphens.");
      } else if (paths.indexOf(paths[index] ?? "") < index) {
        push("has the same path as another volume", "Give each volume a path of its own.");
      }
    }
  });

const userSchema = setting(z.string(), {
  description:
    "The user that the bot runs as, `1000:1000` or a name in the image (Docker's `--user`). Never root.",
  type: "text",
  allowed: 'a user like "1000:1000", "1000" or "app", and not root',
  example: '"1000:1000"',
  default: "the image's own user, which must not be root",
}).check((context) => {
  const match = /^(?:([a-z_][a-z0-9_-]{0,31})|(\d{1,10}))(?::[a-z0-9_][a-z0-9_-]{0,31})?$/.exec(
    context.value,
  );
  const isRoot =
    match !== null && (match[1] === "root" || (match[2] !== undefined && Number(match[2]) === 0));
  if (match !== null && !isRoot) return;
  const message = isRoot ? "is root" : "is not a user";
  context.issues.push({ code: "custom", message, input: context.value });
});

const environmentSchema = setting(
  z.custom<(context: BotContext) => unknown>((value) => typeof value === "function", "is not a function"),
  {
    description:
      "A function that gives further environment variables, besides the standard set (docs/settings.md). A change of a value is a release.",
    type: "function",
    allowed: "a function that gives an object of environment variables",
    example: '({ database }) => ({ DATABASE_URL: database.url("postgresql") })',
  },
);

/** A bot's definition as a file in bots/ exports it. */
export const botSchema = rule(
  z.strictObject({
    name: nameSchema.optional(),
    image: setting(
      z.union([imageReference({ description: "", example: '"ghcr.io/me/hello:1.2.0"' }), buildSchema]),
      {
        description:
          "The image: a reference with a tag or digest, or `build` with a folder that the host builds. A change is a release: the new container takes over when it is healthy.",
        type: "image, or object",
        allowed: 'an image reference, or an object like { build: "./hello" }',
        example: '{ build: "./hello" }',
      },
    ),
    webhook: webhookSchema
      .meta({
        description: "How updates reach the bot's webhook. This or `polling`.",
        type: "object",
        allowed: "an object of settings",
        example: "{ port: 8080 }",
        default: "a webhook with the defaults below",
      })
      .optional(),
    polling: setting(z.literal(true), {
      description:
        "The bot asks Telegram for updates itself (getUpdates): no route, no webhook. At a release the old container is stopped before the new one starts, as Telegram refuses two pollers.",
      type: "true",
      allowed: "true, or left out",
      example: "true",
    }).optional(),
    database: setting(z.union([z.boolean(), databaseSchema]), {
      description:
        "The database of the bot's own: `false` for none, `true` or limits for one. A change to `false` removes the database with its data, after a last dump.",
      type: "yes or no, or object",
      allowed: "true, false or an object of limits",
      example: "{ connectionLimit: 5 }",
    }).default(true),
    environment: environmentSchema.optional(),
    secrets: secretsSchema.default({}),
    volumes: volumesSchema.default({}),
    memory: megabytes(
      { from: 16, to: 1048576 },
      {
        description:
          "The container's memory limit (Docker's `--memory`, without further swap). A bot that needs more is killed and started again.",
        example: '"256 MB"',
      },
    ).prefault("256 MB"),
    cpus: setting(z.number().min(0.1).max(256), {
      description:
        "How many of the host's processors the bot may use at most (Docker's `--cpus`). Fractions are allowed.",
      type: "number",
      allowed: "a number from 0.1 to 256",
      example: "1",
    }).default(1),
    processes: wholeNumber(
      { from: 8, to: 32768 },
      {
        description: "How many processes and threads the bot may have at most (Docker's `--pids-limit`).",
        example: "256",
      },
    ).default(256),
    health: healthSchema
      .meta({
        description:
          "How the garden sees that the bot is well, which a release must be before it gets traffic: a path that answers 2xx, or a command in the container that ends with 0.",
        type: "object",
        allowed: "an object with path or command",
        example: '{ path: "/health" }',
        default: "no check: the bot counts as well as soon as its container runs",
      })
      .optional(),
    stopGrace: seconds(
      { from: 1, to: 600 },
      {
        description:
          "How long a bot may take to finish its work after SIGTERM, before it is killed (Docker's `--stop-timeout`).",
        example: '"30 seconds"',
      },
    ).prefault("30 seconds"),
    user: userSchema.optional(),
  }),
  {
    path: "polling",
    problem: "and webhook are both given, but Telegram gives a bot its updates in one way",
    fix: "Remove one of them.",
  },
  ({ polling, webhook }) => polling !== true || webhook === undefined,
);
