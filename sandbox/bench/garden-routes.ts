/** Routes of the benchmark's bots, made by the garden's own host script. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Route, renderRoute } from "../../components/edge/config.ts";
import { botPath, botPort } from "./bots.ts";
import { secretOf } from "./contender.ts";
import { edgeContainer, hostFolder, type Workshop } from "./workshop.ts";

type RateLimit = NonNullable<Route["webhook"]>["rateLimit"];

/** More than can be had: a rate limit that is at work and never refuses. */
export const endless: RateLimit = { perSecond: 1_000_000, burst: 1_000_000 };

/** As bots have it that say nothing. */
export const usual: RateLimit = { perSecond: 300, burst: 600 };

const tree = "/etc/botgarden/edge/current";

/** Telegram opens 100 at most, 40 if it is not told otherwise; the benchmark of many connections opens more. */
const connections = { usual: 40, endless: 200 };

function filesOf(bot: string, container: string, rateLimit: RateLimit) {
  const maxConnections = rateLimit === endless ? connections.endless : connections.usual;
  const webhook = { port: botPort, path: botPath, maxConnections, rateLimit };
  return renderRoute({ bot, container, webhook, pages: undefined });
}

/** Adds or changes the route of a bot. */
export async function addRoute(
  { engine }: Workshop,
  bot: string,
  { container, rateLimit }: { container: string; rateLimit: RateLimit },
): Promise<void> {
  const input = JSON.stringify({ files: filesOf(bot, container, rateLimit), secret: secretOf(bot) });
  await engine.run(["/opt/botgarden/bin/edge", "route", bot], { input });
}

/**
 * Plants many routes at once, which one by one would take minutes: files as the host script writes them, the guard taken
 * from a bot that it made, whose secret they all share.
 */
export async function plantRoutes(workshop: Workshop, bots: readonly string[], like: string): Promise<void> {
  const { engine, folder } = workshop;
  const guard = await engine.run(["cat", `${tree}/routes/${like}.guard`]);
  const local = join(folder, "routes");
  mkdirSync(local, { recursive: true });
  for (const bot of bots) {
    const files = { ...filesOf(bot, bot, usual), guard: `${guard}\n` };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(local, `${bot}.${file}`), text);
  }
  await engine.copy(local, hostFolder);
  await engine.run(["sh", "-c", `cp -r ${hostFolder}/routes/. ${tree}/routes/`]);
  await engine.docker(["kill", "--signal", "HUP", edgeContainer]);
}
