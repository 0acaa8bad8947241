/** Checks over all bots together, before anything is deployed. */
import type { BotSettings } from "./bot.ts";
import { type Fault, throwFaults } from "./fault.ts";

/** Connections kept for backups, administration and PostgreSQL's own superuser_reserved_connections (3). */
export const RESERVED_CONNECTIONS = 10;

/**
 * The fault of bots that may open more connections than Postgres allows, or undefined if all fit. One bot then
 * couldn't reach its database because another one uses all of its own share.
 */
export function connectionFault(
  bots: readonly Pick<BotSettings, "name" | "database">[],
  maxConnections: number,
): Fault | undefined {
  const withDatabase = bots.filter((bot) => bot.database !== undefined);
  const sum = withDatabase.reduce((total, bot) => total + (bot.database?.connectionLimit ?? 0), 0);
  const needed = sum + RESERVED_CONNECTIONS;
  if (needed <= maxConnections) return undefined;
  const list = withDatabase
    .toSorted((a, b) => (b.database?.connectionLimit ?? 0) - (a.database?.connectionLimit ?? 0))
    .slice(0, 5)
    .map((bot) => `${bot.name} ${bot.database?.connectionLimit ?? 0}`)
    .join(", ");
  const more = withDatabase.length > 5 ? `, and ${withDatabase.length - 5} more` : "";
  return {
    where: "stack settings",
    path: "botgarden:postgres.maxConnections",
    problem: `is too small for the bots: they may open ${sum} connections (${list}${more}) and ${RESERVED_CONNECTIONS} are kept for backups and administration`,
    got: String(maxConnections),
    allowed: `at least ${needed}`,
    fix: `Set it with: pulumi config set --path botgarden:postgres.maxConnections ${needed}, or lower database.connectionLimit in bots/.`,
  };
}

/**
 * Checks the bots' connection limits together.
 *
 * @throws SettingsError if they don't fit into `maxConnections`
 */
export function checkLimits(
  bots: readonly Pick<BotSettings, "name" | "database">[],
  maxConnections: number,
): void {
  const fault = connectionFault(bots, maxConnections);
  throwFaults(fault === undefined ? [] : [fault]);
}
