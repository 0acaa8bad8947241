/** What a bot's file becomes, with its defaults. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { type BotDefinition, type BotSettings, defineBot, parseBot } from "../../../settings/bot.ts";
import { helloFile as origin } from "../support/bots.ts";

test("fills in every default", () => {
  const settings = parseBot(defineBot({ image: { build: "./hello" } }), origin);
  expect(settings).toEqual({
    file: "bots/hello.ts",
    name: "hello",
    image: {
      kind: "build",
      context: "/garden/bots/hello",
      dockerfile: "/garden/bots/hello/Dockerfile",
      args: {},
      secrets: [],
    },
    updates: {
      kind: "webhook",
      port: 8080,
      path: "/webhook",
      maxConnections: 40,
      registeredBy: "garden",
      dropPendingUpdates: false,
      secretAtEdge: true,
      rateLimit: { perSecond: 300, burst: 600 },
    },
    database: { connectionLimit: 5, statementTimeoutSeconds: 30, idleInTransactionTimeoutSeconds: 60 },
    secrets: {},
    volumes: {},
    memoryMegabytes: 256,
    cpus: 1,
    processes: 256,
    stopGraceSeconds: 30,
  } satisfies BotSettings);
});

test("takes every setting", () => {
  const environment = () => ({ MODE: "fast" });
  const definition: BotDefinition = {
    name: "weather-bot",
    image: {
      build: "../other",
      dockerfile: "docker/Dockerfile",
      args: { VERSION: "1" },
      target: "runtime",
      secrets: { npm: { env: "NPM_TOKEN" }, netrc: { file: "~/.netrc" }, "app.key": { file: "./keys/app" } },
    },
    webhook: {
      port: 3000,
      path: "/telegram/updates",
      maxConnections: 100,
      allowedUpdates: ["message", "callback_query"],
      registeredBy: "garden",
      dropPendingUpdates: true,
      rateLimit: { perSecond: 10, burst: 20 },
    },
    pages: { path: "/pay/", port: 3001 },
    database: { connectionLimit: 2, statementTimeout: "5 minutes", idleInTransactionTimeout: "1 hour" },
    environment,
    secrets: { WEATHER_KEY: "weatherKey" },
    volumes: { data: "/data" },
    memory: "1.5 GB",
    cpus: 0.5,
    processes: 64,
    health: {
      path: "/health",
      interval: "30 seconds",
      timeout: "2 seconds",
      retries: 5,
      startPeriod: "1 minute",
    },
    beforeDeploy: { command: ["alembic", "upgrade", "head"], timeout: "10 minutes" },
    stopGrace: "45 seconds",
    user: "1000:1000",
  };
  expect(parseBot(definition, { ...origin, directory: "bots" })).toEqual({
    file: "bots/hello.ts",
    name: "weather-bot",
    image: {
      kind: "build",
      context: resolve("other"),
      dockerfile: resolve("other/docker/Dockerfile"),
      args: { VERSION: "1" },
      secrets: [
        { id: "app.key", kind: "file", path: resolve("bots/keys/app") },
        { id: "netrc", kind: "file", path: join(homedir(), ".netrc") },
        { id: "npm", kind: "env", variable: "NPM_TOKEN" },
      ],
      target: "runtime",
    },
    updates: {
      kind: "webhook",
      port: 3000,
      path: "/telegram/updates",
      maxConnections: 100,
      allowedUpdates: ["message", "callback_query"],
      registeredBy: "garden",
      dropPendingUpdates: true,
      secretAtEdge: true,
      rateLimit: { perSecond: 10, burst: 20 },
    },
    pages: { path: "/pay", port: 3001 },
    database: { connectionLimit: 2, statementTimeoutSeconds: 300, idleInTransactionTimeoutSeconds: 3600 },
    environment,
    secrets: { WEATHER_KEY: "weatherKey" },
    volumes: { data: "/data" },
    memoryMegabytes: 1536,
    cpus: 0.5,
    processes: 64,
    health: {
      test: { kind: "path", path: "/health", port: 3000 },
      intervalSeconds: 30,
      timeoutSeconds: 2,
      retries: 5,
      startPeriodSeconds: 60,
      settleSeconds: 5,
    },
    beforeDeploy: { command: ["alembic", "upgrade", "head"], timeoutSeconds: 600 },
    stopGraceSeconds: 45,
    user: "1000:1000",
  } satisfies BotSettings);
});

test("takes a bot that polls, without a database, with a command for its health", () => {
  const definition: BotDefinition = {
    image: "ghcr.io/me/hello:1.2.0",
    polling: true,
    database: false,
    health: { command: ["true"] },
  };
  const settings = parseBot(definition, origin);
  expect(settings).toMatchObject({
    image: { kind: "reference", reference: "ghcr.io/me/hello:1.2.0" },
    updates: { kind: "polling" },
    health: { test: { kind: "command", command: ["true"] } },
  });
  expect(settings).not.toHaveProperty("database");
});

test("what runs before a release may be the command alone", () => {
  const settingsOf = (beforeDeploy: object) => parseBot({ image: "a:1", beforeDeploy }, origin).beforeDeploy;
  const expected = { command: ["python", "-m", "migrate"], timeoutSeconds: 300 };
  expect(settingsOf(["python", "-m", "migrate"])).toEqual(expected);
  expect(settingsOf({ command: ["python", "-m", "migrate"] })).toEqual(expected);
});

test("pages are served where the webhook is, unless they say another port", () => {
  const pages = { path: "/pay" };
  const portOf = (more: object) => parseBot({ image: "a:1", pages, ...more }, origin).pages?.port;
  expect(portOf({})).toBe(8080);
  expect(portOf({ webhook: { port: 3000 } })).toBe(3000);
  expect(portOf({ polling: true })).toBe(8080);
  expect(portOf({ polling: true, pages: { ...pages, port: 9000 } })).toBe(9000);
});

test("the edge asks for the secret if whoever registers the webhook gives it to Telegram", () => {
  const asks = (webhook: object) => parseBot({ image: "a:1", webhook }, origin).updates;
  expect(asks({})).toMatchObject({ secretAtEdge: true });
  expect(asks({ registeredBy: "bot" })).toMatchObject({ secretAtEdge: false });
  expect(asks({ registeredBy: "bot", passesSecret: true })).toMatchObject({ secretAtEdge: true });
  expect(asks({ registeredBy: "bot" })).not.toHaveProperty("passesSecret");
});
