/** The rules and defaults of a bot's definition. The types for the editor are in definition.ts. */
import * as z from "zod";
import { beforeDeploySchema } from "./before-deploy.ts";
import { buildSchema } from "./build.ts";
import type { BotContext } from "./context.ts";
import { databaseSchema } from "./database.ts";
import { seconds } from "./duration.ts";
import { healthSchema } from "./health.ts";
import { imageReference } from "./image.ts";
import { nameSchema } from "./names.ts";
import { wholeNumber } from "./number.ts";
import { pagesSchema, pathsOverlap } from "./pages.ts";
import { rule, setting } from "./schema.ts";
import { secretsSchema } from "./secrets.ts";
import { megabytes } from "./size.ts";
import { volumesSchema } from "./volumes.ts";
import { webhookSchema } from "./webhook.ts";

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

const parts = rule(
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
    pages: pagesSchema
      .meta({
        description:
          "A route for HTTP pages of the bot's own, like payments or a mini app: the path and what is below it goes to the bot, from anyone and with every method.",
        type: "object",
        allowed: "an object with a path",
        example: '{ path: "/pay" }',
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
    beforeDeploy: beforeDeploySchema.optional(),
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
    aboutPresence: true,
    problem: "and webhook are both given, but Telegram gives a bot its updates in one way",
    fix: "Remove one of them.",
  },
  ({ polling, webhook }) => polling !== true || webhook === undefined,
);

/** A bot's definition as a file in bots/ exports it. */
export const botSchema = rule(
  parts,
  {
    path: "pages",
    problem: "would open webhook.path to everybody, as both are at the same port",
    fix: "Give pages another path or a port of their own.",
  },
  ({ pages, webhook, polling }) => {
    const [page, update] = [pagesSchema.safeParse(pages).data, webhookSchema.safeParse(webhook ?? {}).data];
    if (page === undefined || update === undefined || polling === true) return true;
    return (page.port ?? update.port) !== update.port || !pathsOverlap(page.path, update.path);
  },
);
