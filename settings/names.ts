/** Names of bots: what is allowed, what is reserved, and every name that is derived from one. */
import * as z from "zod";
import { setting } from "./schema.ts";

const SHORTEST = 2;
const LONGEST = 32;

const CORE = "the garden has a container of this name";
const DATABASE = "Postgres has a role or database of this name";
const HBA = "it has a meaning of its own in Postgres's pg_hba.conf";
const PROVIDER = "Pulumi keeps the settings of a provider under this name";
const SYSTEM = "it has a meaning of its own on every host";
const ROUTE = "the edge has a path of this name";

/** Names that no bot can have, with the reason. */
export const RESERVED_NAMES: ReadonlyMap<string, string> = new Map([
  ...["botgarden", "core", "edge", "nginx", "redis", "certbot", "prometheus", "backup", "backups"].map(
    (name) => [name, CORE] as const,
  ),
  ...["postgres", "template0", "template1", "public", "monitoring", "admin"].map(
    (name) => [name, DATABASE] as const,
  ),
  ...["all", "sameuser", "samerole", "samegroup", "replication"].map((name) => [name, HBA] as const),
  ...["pulumi", "docker", "docker-build", "command", "random", "tls"].map(
    (name) => [name, PROVIDER] as const,
  ),
  ...["aws", "aws-native", "azure", "azure-native", "gcp", "google-native", "kubernetes", "cloudflare"].map(
    (name) => [name, PROVIDER] as const,
  ),
  ...["digitalocean", "hcloud", "github", "vault", "std", "archive", "time", "null"].map(
    (name) => [name, PROVIDER] as const,
  ),
  ...["root", "localhost", "host", "gateway", "local", "default", "none", "bridge"].map(
    (name) => [name, SYSTEM] as const,
  ),
  ...["healthz", "webhook", "well-known"].map((name) => [name, ROUTE] as const),
]);

/** What is wrong with a bot's name, in words that follow its path, or undefined if it fits. */
export function nameProblem(name: string): string | undefined {
  if (name.length < SHORTEST) return "is too short";
  if (name.length > LONGEST) return "is too long";
  const reason = RESERVED_NAMES.get(name);
  if (reason !== undefined) return `is reserved, because ${reason}`;
  return /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name) ? undefined : "is not allowed";
}

/** A bot's name. Names fit Postgres (63 bytes), DNS (63), Docker and URLs without any quoting rule. */
export const nameSchema = setting(z.string(), {
  description:
    "The bot's name: of its role and database, its containers, its route and its secrets' namespace. A change retires the old bot, database included, and plants a new one.",
  type: "text",
  allowed: `${SHORTEST} to ${LONGEST} lower-case letters, digits and single hyphens, the first a letter and the last no hyphen`,
  example: '"hello"',
  default: "the file's name without `.ts`",
}).check((context) => {
  const problem = nameProblem(context.value);
  if (problem !== undefined) context.issues.push({ code: "custom", message: problem, input: context.value });
});

/** The name of a bot's file without its ending: the bot's name unless the file says another. */
export function nameOfFile(file: string): string {
  return file.replace(/^.*\//, "").replace(/\.ts$/, "");
}

/** The bot's role in Postgres, which is the bot's name; hyphens need SQL's quotes. */
export function roleName(bot: string): string {
  return bot;
}

/** The bot's database, of the same name as its role: pg_hba.conf lets a role into `sameuser` only. */
export function databaseName(bot: string): string {
  return bot;
}

/** The volume on the host that keeps what a bot calls `volume`. */
export function volumeName(bot: string, volume: string): string {
  return `botgarden-${bot}-${volume}`;
}

/** The path of a bot's webhook at the edge. */
export function routePath(bot: string): string {
  return `/webhook/${bot}`;
}

/** The full name of a bot's secret in Pulumi's configuration, for example `hello:token`. */
export function secretKey(bot: string, key: string): string {
  return `${bot}:${key}`;
}
