/** Settings and bots as a user writes them, with secrets that can be searched for. */
import { type BotDefinition, type BotSettings, parseBot } from "../../../settings/bot.ts";
import { parseStack, type StackSettings } from "../../../settings/stack.ts";

/** The raw settings of the stack, as Pulumi's configuration holds them. */
export const stackValues: Readonly<Record<string, string>> = {
  host: "root@203.0.113.10",
  domain: "bots.example.com",
};

/** One bot of each kind; `shop-bot` has a hyphen in its name. */
export const botDefinitions: Readonly<Record<string, BotDefinition>> = {
  hello: {
    image: { build: "./hello" },
    webhook: { port: 8080, path: "/webhook", allowedUpdates: ["message"], maxConnections: 60 },
    environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql+asyncpg") }),
    secrets: { WEATHER_KEY: "weatherKey" },
    health: { path: "/health", interval: "90 seconds" },
    memory: "200 MB",
    cpus: 1.5,
    user: "1000:1000",
  },
  poller: { image: "ghcr.io/example/poller:1.2.0", polling: true, database: false, cpus: 1 },
  "shop-bot": {
    image: "ghcr.io/example/shop:3.1",
    webhook: { port: 9000, path: "/updates", registeredBy: "bot" },
    database: false,
    volumes: { data: "/data" },
    health: { command: ["/app/check", "--fast"] },
  },
};

/** Where a bot's definition stands, in a garden of its own. */
export const helloFile = { file: "bots/hello.ts", defaultName: "hello", directory: "/garden/bots" };

/** A token of the right form that tells whose it is. */
export function tokenOf(bot: string): string {
  return `123456789:AAcanary-token-of-${bot}-yraNaC-0123456789`;
}

/** The value of another secret of a bot. */
export function secretOf(bot: string, key: string): string {
  return `canary-secret-${bot}-${key}-yraNaC`;
}

export function settingsOf(values: Readonly<Record<string, string>> = stackValues): StackSettings {
  return parseStack(values);
}

export function botsOf(definitions: Readonly<Record<string, BotDefinition>> = botDefinitions): BotSettings[] {
  return Object.entries(definitions).map(([name, definition]) =>
    parseBot(definition, { file: `bots/${name}.ts`, defaultName: name, directory: `${process.cwd()}/bots` }),
  );
}

/** A configuration that holds every bot's token and secrets, all stored as secrets. */
export function configurationOf(bots: readonly BotSettings[]) {
  const values = Object.fromEntries(
    bots.flatMap(({ name, secrets }) => [
      [`${name}:token`, tokenOf(name)],
      ...Object.values(secrets).map((key) => [`${name}:${key}`, secretOf(name, key)]),
    ]),
  ) as Record<string, string>;
  return { values, secretKeys: new Set(Object.keys(values)) };
}
