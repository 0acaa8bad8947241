/** What is wrong with a bot. */
import { isHeld, isStopped, unmeantError } from "./held.ts";
import { judgeContainer } from "./judge-container.ts";
import { type Problem, problemsOf, type Report } from "./problem.ts";
import type { BotStatus, GardenStatus } from "./status-of.ts";
import { CONNECTIONS_PERCENT, PENDING_UPDATES, RECENT_ERROR } from "./thresholds.ts";
import { count, duration, secondsBetween } from "./words.ts";

/** @param garden what belongs to no bot: the time and how webhooks were registered */
export function judgeBot(bot: BotStatus, garden: Pick<GardenStatus, "time" | "uploaded">): Problem[] {
  return problemsOf(bot.name, (report) => {
    if (bot.release === null) {
      report("has a route but no container", "Run pulumi refresh, then pulumi up.");
      return;
    }
    if (!isStopped(bot)) {
      judgeContainer(
        bot.release,
        { time: garden.time, log: bot.name, memory: `memory in bots/${bot.name}.ts` },
        report,
      );
    }
    judgePause(bot, report);
    judgeRoute(bot, report);
    judgeOthers(bot, report);
    judgeWebhook(bot, garden, report);
    judgeDatabase(bot, report);
  });
}

function judgePause({ name, paused, release, webhook }: BotStatus, report: Report): void {
  if (!paused || webhook.wanted !== null || release?.state !== "running") return;
  report("is paused, but its container runs: was it started by hand?", `Hold it: npm run pause -- ${name}.`);
}

function judgeRoute({ name, route, release, paused, webhook }: BotStatus, report: Report): void {
  if (paused || webhook.wanted === null) return;
  if (route === null) report("has no route at the edge, so its updates are refused", "Run pulumi up.");
  else if (route !== release?.container) {
    report(
      `its route leads to ${route}, which is not there`,
      `Run pulumi refresh, then pulumi up; npm run logs -- ${name} shows the container that is there.`,
    );
  }
}

/** A newer container that ended failed its gate; one that runs, or was not started yet, is a release under way. */
function judgeOthers({ release, others }: BotStatus, report: Report): void {
  if (release === null) return;
  const failed = others.find(
    ({ state, created }) =>
      state !== "running" && state !== "created" && Date.parse(created) > Date.parse(release.created),
  );
  if (failed === undefined) return;
  report(
    `the release ${failed.container} failed its gate (${failed.state}); ${release.container} still serves`,
    `Its log is there until the next release: npm run logs -- ${failed.container}. Correct the bot, then pulumi up.`,
  );
}

function judgeWebhook(bot: BotStatus, garden: Pick<GardenStatus, "time" | "uploaded">, report: Report): void {
  const { name, webhook } = bot;
  const { wanted, url, failure } = webhook;
  if (failure !== null) {
    // Anything else is told once for all bots.
    if (webhook.unauthorized) {
      report(
        `Telegram does not know its token: ${failure}`,
        `Get the present one from @BotFather, then pulumi config set --secret ${name}:token, and pulumi up.`,
      );
    }
    return;
  }
  if (webhook.right === false) {
    judgeUrl(name, wanted, url ?? "", report);
    return;
  }
  if (wanted === null) return;
  if (garden.uploaded !== null && webhook.customCertificate !== garden.uploaded) {
    report(
      garden.uploaded
        ? "Telegram does not have the garden's own certificate, so it trusts none"
        : "Telegram has an uploaded certificate, though the edge's is a public one",
      registerAnew(name),
    );
  }
  if (!isHeld(bot, garden.time)) judgeDelivery(bot, garden.time, report);
}

function judgeUrl(name: string, wanted: string | null, url: string, report: Report): void {
  if (wanted === null) {
    report(
      `it polls, but Telegram has the webhook ${url} and refuses it`,
      `Remove it: pulumi up --replace '**::${name}-webhook'. If it comes back, something else uses the bot's token.`,
    );
    return;
  }
  const has = url === "" ? "no webhook" : `the webhook ${url}`;
  report(
    `Telegram has ${has} instead of ${wanted}`,
    `${registerAnew(name)} If it changes again, the bot or something else with its token registers itself.`,
  );
}

/** A new secret is a new release with its route, and a webhook that is registered anew; no update is lost. */
function registerAnew(name: string): string {
  return `Register it anew, with a new secret: pulumi up --replace '**::${name}-webhook-secret'.`;
}

function judgeDelivery(bot: BotStatus, time: string, report: Report): void {
  const { name, webhook } = bot;
  const { pending } = webhook;
  const waiting = pending ?? 0;
  const lastError = unmeantError(bot);
  const age = lastError === null ? Number.POSITIVE_INFINITY : secondsBetween(lastError.at, time);
  if (lastError !== null && age < RECENT_ERROR) {
    report(
      `Telegram could not deliver ${duration(age)} ago: ${lastError.message} (${count(waiting, "update")} waiting)`,
      `See what the bot and the edge say: npm run logs -- ${name}, npm run logs -- edge.`,
    );
  } else if (waiting > PENDING_UPDATES) {
    report(
      `${waiting} updates wait at Telegram: the bot does not keep up`,
      `See what it does: npm run logs -- ${name}. More at once: webhook.maxConnections, memory, cpus in bots/${name}.ts.`,
    );
  }
}

function judgeDatabase({ name, database, wantsDatabase }: BotStatus, report: Report): void {
  if (database === null) {
    if (wantsDatabase)
      report("its database cannot be looked at", "See what postgres tells: npm run logs -- postgres.");
    return;
  }
  const { connections, limit } = database;
  if (limit === null || connections < (limit * CONNECTIONS_PERCENT) / 100) return;
  report(
    `holds ${connections} of the ${limit} connections to its database that it may have`,
    `Let its pool be smaller, or raise database.connectionLimit in bots/${name}.ts.`,
  );
}
