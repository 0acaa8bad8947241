/** What a bot's file must not say, and the message that it gets. */
import { expect, test } from "vitest";
import { type BotDefinition, parseBot } from "../../../settings/bot.ts";
import { SettingsError } from "../../../settings/fault.ts";
import { helloFile as origin } from "../support/bots.ts";
import { faultLines } from "../support/faults.ts";

const token = "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const nameAllowed =
  "must be 2 to 32 lower-case letters, digits and single hyphens, the first a letter and the last no hyphen";
const imageAllowed =
  'must be an image reference, or an object like { build: "./hello" }. For example: image: { build: "./hello" }.';
const pathAllowed = 'must be a path from "/" on, of letters, digits and - . _ ~ /';
const pagesAllowed =
  'must be a path like "/pay" of letters, digits and - . _ ~ /, not "/" alone, and not the edge\'s own /webhook, /healthz and /.well-known. For example: path: "/pay".';
const sizeAllowed =
  'must be a size from 16 MB to 1024 GB, written like "256 MB" or "1 GB". For example: memory: "256 MB".';
const variableNames = "Names are upper-case letters, digits and underscores, for example WEATHER_KEY.";
const volumeAllowed =
  'must be an absolute path in the container, like "/data", and none of the system\'s own folders';
const keyAllowed = "must be the key of a secret in Pulumi's configuration, not the secret itself";
const beforeDeployAllowed =
  'must be a list of a command and its arguments, or an object with a command. For example: beforeDeploy: { command: ["alembic", "upgrade", "head"], timeout: "5 minutes" }.';
const userAllowed =
  'must be a user like "1000:1000", "1000" or "app", and not root. For example: user: "1000:1000".';

test.for<[string, object, string]>([
  ["no image", { image: undefined }, `image: is missing, ${imageAllowed}`],
  ["an image without a tag", { image: "hello" }, `image: has no tag, got "hello", ${imageAllowed}`],
  [
    "an image that moves",
    { image: "hello:latest" },
    `image: has a tag that moves, got "hello:latest", ${imageAllowed}`,
  ],
  ["an image of the wrong type", { image: 5 }, `image: is of the wrong type, got 5, ${imageAllowed}`],
  [
    "an absolute build folder",
    { image: { build: "/srv/hello" } },
    'image.build: is not allowed, got "/srv/hello", must be a folder relative to bots/. For example: build: "./hello".',
  ],
  [
    "an unknown key of the image",
    { image: { build: "./x", buildArgs: {} } },
    "image.buildArgs: is not a setting. Known here: build, dockerfile, args, secrets, target.",
  ],
  [
    "a build argument that is no text",
    { image: { build: "./x", args: { A: 1 } } },
    'image.args.A: is of the wrong type, got a hidden value, must be text. For example: A: "3.13".',
  ],
  [
    "a build's secret that is text",
    { image: { build: "./x", secrets: { npm: "npm_abcdef" } } },
    'image.secrets.npm: is of the wrong type, got a hidden value, must be an object like { env: "NPM_TOKEN" } or { file: "~/.netrc" }. For example: npm: { env: "NPM_TOKEN" }.',
  ],
  [
    "a build's secret that is given itself",
    { image: { build: "./x", secrets: { npm: { env: "npm_abcdef" } } } },
    'image.secrets.npm.env: is not allowed, got a hidden value, must be the name of an environment variable, in upper-case letters, digits and underscores, not the secret itself. For example: env: "NPM_TOKEN".',
  ],
  [
    "a build's secret from two places",
    { image: { build: "./x", secrets: { npm: { env: "NPM_TOKEN", file: "./x" } } } },
    'image.secrets.npm.env: and file are alternatives, and exactly one of them is needed. For example: { env: "NPM_TOKEN" }.',
  ],
  [
    "a build's secret from nowhere",
    { image: { build: "./x", secrets: { npm: {} } } },
    'image.secrets.npm.env: and file are alternatives, and exactly one of them is needed. For example: { env: "NPM_TOKEN" }.',
  ],
  [
    "a secret's id that the Dockerfile can't name",
    { image: { build: "./x", secrets: { "a,b": { env: "A" } } } },
    'image.secrets["a,b"]: is not the id of a secret. Ids are letters, digits, dots, hyphens and underscores, for example npm.',
  ],
  [
    "a name with an underscore",
    { name: "my_bot" },
    `name: is not allowed, got "my_bot", ${nameAllowed}. For example: name: "hello".`,
  ],
  ["a short name", { name: "a" }, `name: is too short, got "a", ${nameAllowed}. For example: name: "hello".`],
  [
    "a long name",
    { name: "a".repeat(33) },
    `name: is too long, got "${"a".repeat(33)}", ${nameAllowed}. For example: name: "hello".`,
  ],
  [
    "a name with two hyphens",
    { name: "my--bot" },
    `name: is not allowed, got "my--bot", ${nameAllowed}. For example: name: "hello".`,
  ],
  [
    "a name that ends with a hyphen",
    { name: "bot-" },
    `name: is not allowed, got "bot-", ${nameAllowed}. For example: name: "hello".`,
  ],
  [
    "a reserved name",
    { name: "postgres" },
    `name: is reserved, because Postgres has a role or database of this name, got "postgres", ${nameAllowed}. For example: name: "hello".`,
  ],
  [
    "a privileged port",
    { webhook: { port: 80 } },
    "webhook.port: is too small, got 80, must be a whole number from 1024 to 65535. For example: port: 8080.",
  ],
  [
    "a port as text",
    { webhook: { port: "8080" } },
    'webhook.port: is of the wrong type, got "8080", must be a whole number from 1024 to 65535. For example: port: 8080.',
  ],
  [
    "a path without a slash",
    { webhook: { path: "webhook" } },
    `webhook.path: is not allowed, got "webhook", ${pathAllowed}. For example: path: "/webhook".`,
  ],
  [
    "a path that means something to nginx",
    { webhook: { path: "/a;}" } },
    `webhook.path: is not allowed, got "/a;}", ${pathAllowed}. For example: path: "/webhook".`,
  ],
  [
    "too many connections of Telegram",
    { webhook: { maxConnections: 101 } },
    "webhook.maxConnections: is too big, got 101, must be a whole number from 1 to 100. For example: maxConnections: 40.",
  ],
  [
    "an unknown kind of update",
    { webhook: { allowedUpdates: ["mesage"] } },
    'webhook.allowedUpdates[0]: is not allowed, got "mesage", must be one of message, edited_message, channel_post, edited_channel_post, business_connection, business_message, edited_business_message, deleted_business_messages, message_reaction, message_reaction_count, inline_query, chosen_inline_result, callback_query, shipping_query, pre_checkout_query, purchased_paid_media, poll, poll_answer, my_chat_member, chat_member, chat_join_request, chat_boost, removed_chat_boost.',
  ],
  [
    "a webhook that is no object",
    { webhook: true },
    "webhook: is of the wrong type, got true, must be an object of settings. For example: webhook: { port: 8080 }.",
  ],
  [
    "settings that nobody uses",
    { webhook: { registeredBy: "bot", dropPendingUpdates: true } },
    'webhook.registeredBy: is "bot", so webhook.allowedUpdates and webhook.dropPendingUpdates would do nothing. Remove them, and let the bot give them to setWebhook itself.',
  ],
  [
    "a secret that the garden passes anyway",
    { webhook: { passesSecret: true } },
    'webhook.passesSecret: means nothing unless webhook.registeredBy is "bot", as the garden always gives the secret. Remove it.',
  ],
  [
    "a rate of nothing",
    { webhook: { rateLimit: { perSecond: 0 } } },
    "webhook.rateLimit.perSecond: is too small, got 0, must be a whole number from 1 to 10000. For example: perSecond: 300.",
  ],
  [
    "an unknown limit",
    { webhook: { rateLimit: { perMinute: 600 } } },
    "webhook.rateLimit.perMinute: is not a setting. Known here: perSecond, burst.",
  ],
  [
    "pages over the webhook's own path",
    { webhook: { path: "/hook/telegram" }, pages: { path: "/hook" } },
    "pages: would open webhook.path to everybody, as both are at the same port. Give pages another path or a port of their own.",
  ],
  ["pages without a path", { pages: { port: 8080 } }, `pages.path: is missing, ${pagesAllowed}`],
  ["pages at the root", { pages: { path: "/" } }, `pages.path: is the edge's own, got "/", ${pagesAllowed}`],
  [
    "pages among the webhooks",
    { pages: { path: "/webhook/x" } },
    `pages.path: is the edge's own, got "/webhook/x", ${pagesAllowed}`,
  ],
  [
    "pages at the health check",
    { pages: { path: "/healthz/" } },
    `pages.path: is the edge's own, got "/healthz/", ${pagesAllowed}`,
  ],
  [
    "pages among the challenges",
    { pages: { path: "/.well-known/pay" } },
    `pages.path: is not allowed, got "/.well-known/pay", ${pagesAllowed}`,
  ],
  [
    "pages above themselves",
    { pages: { path: "/pay/../webhook" } },
    `pages.path: is not allowed, got "/pay/../webhook", ${pagesAllowed}`,
  ],
  [
    "pages on a privileged port",
    { pages: { path: "/pay", port: 443 } },
    "pages.port: is too small, got 443, must be a whole number from 1024 to 65535. For example: port: 8080.",
  ],
  [
    "polling: false",
    { polling: false },
    "polling: is not allowed, got false, must be true, or left out. For example: polling: true.",
  ],
  [
    "both ways at once",
    { polling: true, webhook: {} },
    "polling: and webhook are both given, but Telegram gives a bot its updates in one way. Remove one of them.",
  ],
  [
    "a database that is text",
    { database: "yes" },
    'database: is of the wrong type, got "yes", must be true, false or an object of limits. For example: database: { connectionLimit: 5 }.',
  ],
  [
    "no connection",
    { database: { connectionLimit: 0 } },
    "database.connectionLimit: is too small, got 0, must be a whole number from 1 to 1000. For example: connectionLimit: 5.",
  ],
  [
    "a time without a unit",
    { database: { statementTimeout: "30" } },
    'database.statementTimeout: is not a time, got "30", must be a time from 1 second to 24 hours, written like "30 seconds" or "5 minutes". For example: statementTimeout: "30 seconds".',
  ],
  [
    "an environment that is no function",
    { environment: { API_KEY: "hunter2" } },
    'environment: is not a function, got an object, must be a function that gives an object of environment variables. For example: environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql") }).',
  ],
  [
    "a secret in lower case",
    { secrets: { weather: "key" } },
    `secrets.weather: is not the name of an environment variable. ${variableNames}`,
  ],
  [
    "a secret of the standard set",
    { secrets: { BOT_TOKEN: "key" } },
    "secrets.BOT_TOKEN: is a variable that the garden sets itself. Choose another name.",
  ],
  [
    "a secret instead of its key",
    { secrets: { KEY: token } },
    `secrets.KEY: is not allowed, got a hidden value, ${keyAllowed}. For example: KEY: "weatherKey".`,
  ],
  [
    "a volume at a relative path",
    { volumes: { data: "data" } },
    `volumes.data: is not allowed, got "data", ${volumeAllowed}. For example: data: "/data".`,
  ],
  [
    "a volume over a system folder",
    { volumes: { data: "/etc/x" } },
    `volumes.data: is one of the system's own folders, got "/etc/x", ${volumeAllowed}. For example: data: "/data".`,
  ],
  [
    "a volume with an odd name",
    { volumes: { "My Data": "/data" } },
    'volumes["My Data"]: has a name that is not allowed. Names are 1 to 32 lower-case letters, digits and hyphens.',
  ],
  [
    "two volumes at one path",
    { volumes: { a: "/data", b: "/data" } },
    "volumes.b: has the same path as another volume. Give each volume a path of its own.",
  ],
  ["memory as a number", { memory: 256 }, `memory: is of the wrong type, got 256, ${sizeAllowed}`],
  ["memory with another unit", { memory: "256 MiB" }, `memory: is not a size, got "256 MiB", ${sizeAllowed}`],
  ["too little memory", { memory: "15 MB" }, `memory: is too small, got "15 MB", ${sizeAllowed}`],
  [
    "no processor",
    { cpus: 0 },
    "cpus: is too small, got 0, must be a number from 0.1 to 256. For example: cpus: 1.",
  ],
  [
    "half a process",
    { processes: 8.5 },
    "processes: is of the wrong type, got 8.5, must be a whole number from 8 to 32768. For example: processes: 256.",
  ],
  [
    "an empty health check",
    { health: {} },
    'health.path: and health.command are alternatives, and exactly one of them is needed. For example: health: { path: "/health" }.',
  ],
  [
    "a port for a command",
    { health: { command: ["true"], port: 8080 } },
    "health.port: means nothing to health.command. Remove it.",
  ],
  [
    "an empty command",
    { health: { command: [] } },
    'health.command: is too short, got a list, must be a list of a command and its arguments. For example: command: ["python", "-m", "hello.check"].',
  ],
  [
    "nothing to run before a release",
    { beforeDeploy: [] },
    `beforeDeploy: is too short, got a list, ${beforeDeployAllowed}`,
  ],
  [
    "a line for a shell to run before a release",
    { beforeDeploy: "alembic upgrade head" },
    `beforeDeploy: is of the wrong type, got "alembic upgrade head", ${beforeDeployAllowed}`,
  ],
  [
    "a time before a release without a command",
    { beforeDeploy: { timeout: "1 minute" } },
    'beforeDeploy.command: is missing, must be a list of a command and its arguments. For example: command: ["alembic", "upgrade", "head"].',
  ],
  [
    "too long a time before a release",
    { beforeDeploy: { command: ["true"], timeout: "2 hours" } },
    'beforeDeploy.timeout: is too long, got "2 hours", must be a time from 1 second to 1 hour, written like "30 seconds" or "5 minutes". For example: timeout: "5 minutes".',
  ],
  [
    "an unknown key before a release",
    { beforeDeploy: { command: ["true"], timout: "1 minute" } },
    "beforeDeploy.timout: is not a setting. Did you mean timeout?",
  ],
  [
    "a grace that is too long",
    { stopGrace: "11 minutes" },
    'stopGrace: is too long, got "11 minutes", must be a time from 1 second to 10 minutes, written like "30 seconds" or "5 minutes". For example: stopGrace: "30 seconds".',
  ],
  ["root by name", { user: "root" }, `user: is root, got "root", ${userAllowed}`],
  ["root by number", { user: "00:1000" }, `user: is root, got "00:1000", ${userAllowed}`],
  ["an unknown key", { webhok: {} }, "webhok: is not a setting. Did you mean webhook?"],
])("refuses %s", ([, changes, expected]) => {
  const definition = { image: "ghcr.io/me/hello:1.2.0", ...changes };
  expect(faultLines(() => parseBot(definition, origin))).toEqual([`bots/hello.ts: ${expected}`]);
});

test.for<[string, unknown, string]>([
  ["nothing", undefined, "exports no bot"],
  ["a number", 5, "exports something else than a bot, got 5"],
  ["a function", () => ({}), "exports something else than a bot, got a function"],
  ["a list", [], "exports something else than a bot, got a list"],
  ["a promise", Promise.resolve({}), "exports something else than a bot, got a promise"],
])("refuses a file that exports %s", ([, definition, expected]) => {
  expect(faultLines(() => parseBot(definition, origin))).toEqual([
    `bots/hello.ts: ${expected}. It must end with: export default defineBot({ image: { build: "./hello" } });`,
  ]);
});

test("refuses a file whose name can't be a bot's, unless the bot has a name of its own", () => {
  const bad = { file: "bots/My_Bot.ts", defaultName: "My_Bot" };
  expect(faultLines(() => parseBot({ image: "a:1" }, bad))).toEqual([
    `bots/My_Bot.ts: name: is the file's, and is not allowed, got "My_Bot", ${nameAllowed}. Rename the file, or give a name in it, for example: name: "hello".`,
  ]);
  expect(parseBot({ image: "a:1", name: "good" }, bad).name).toBe("good");
});

test("lists all faults of a bot in one message", () => {
  const definition = { image: "a", memory: 5, cpu: 1, polling: true, webhook: { port: 1 } };
  const lines = faultLines(() => parseBot(definition, origin));
  expect(lines[0]).toBe("5 faults in the settings:");
  expect(lines.slice(1).map((line) => line.split(": ")[1])).toEqual([
    "image",
    "webhook.port",
    "memory",
    "cpu",
    "polling",
  ]);
});

test("what an editor accepts is what the garden accepts", () => {
  // @ts-expect-error: both ways at once
  const both: BotDefinition = { image: "a:1", polling: true, webhook: {} };
  // @ts-expect-error: no unit
  const unit: BotDefinition = { image: "a:1", memory: "256" };
  // @ts-expect-error: no such setting
  const unknown: BotDefinition = { image: "a:1", colour: "green" };
  for (const definition of [both, unit, unknown]) {
    expect(() => parseBot(definition, origin)).toThrow(SettingsError);
  }
});
