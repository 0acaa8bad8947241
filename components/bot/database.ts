import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { BotDatabase, BotSettings } from "../../settings/bot.ts";
import type { Host } from "../host/host.ts";
import type { Postgres } from "../postgres/postgres.ts";
import { scramVerifier } from "../postgres/scram.ts";

/** Where bots find the certificate of Postgres's authority. */
export const authorityFile = "/run/botgarden/postgres/ca.crt";

export interface Database extends BotDatabase {
  /** What uses the database depends on this. */
  readonly ready: pulumi.Resource;
}

/**
 * A role and a database of the bot's name. Removing the bot drops both, after a dump that was restored and compared;
 * `pulumi destroy` leaves them, with the volume, for the next `up`.
 */
export function botDatabase(
  bot: BotSettings & { readonly database: NonNullable<BotSettings["database"]> },
  host: Host,
  postgres: Postgres,
  parent: pulumi.Resource,
): Database {
  const name = bot.name;
  const password = new random.RandomPassword(
    `${name}-database-password`,
    { length: 32, special: false },
    { parent },
  ).result;
  const ready = host.command(
    `${name}-database`,
    {
      run: ["postgres-database", "ensure", name],
      remove: ["postgres-database", "drop", name],
      input: {
        verifier: password.apply((text) => scramVerifier(name, text)),
        connectionLimit: String(bot.database.connectionLimit),
        statementTimeout: String(bot.database.statementTimeoutSeconds * 1000),
        idleTimeout: String(bot.database.idleInTransactionTimeoutSeconds * 1000),
      },
    },
    { parent, dependsOn: [postgres.ready], deletedWith: host.ready },
  );
  return {
    host: postgres.hostName,
    port: postgres.port,
    name,
    user: name,
    password,
    url: (scheme) =>
      pulumi.interpolate`${scheme}://${name}:${password}@${postgres.hostName}:${postgres.port}/${name}${tlsQuery(scheme)}`,
    ready,
  };
}

/**
 * What asks a driver to check the server's certificate. asyncpg takes `ssl` and reads the authority from PGSSLROOTCERT;
 * libpq and what follows it take `sslmode` and `sslrootcert`.
 */
function tlsQuery(scheme: string): string {
  return scheme.includes("asyncpg")
    ? "?ssl=verify-full"
    : `?sslmode=verify-full&sslrootcert=${authorityFile}`;
}
