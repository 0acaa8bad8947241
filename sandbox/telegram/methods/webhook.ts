import type { Bot, Webhook } from "../bots.ts";
import { parseTarget } from "../delivery/address.ts";
import { WebhookSender } from "../delivery/sender.ts";
import { badRequest, tooManyRequests, WebhookRefused } from "../errors.ts";
import type { Params } from "../params.ts";
import { isDefaultUpdateTypes, parseAllowedUpdates } from "../update-types.ts";
import { type Call, conflict, Described } from "./call.ts";

/** One setWebhook per bot in this time (milliseconds). */
const SET_WEBHOOK_PAUSE_MS = 1000;

/** The most that an uploaded certificate may hold, in bytes. */
const LARGEST_CERTIFICATE = 3 << 20;

const DEFAULT_CONNECTIONS = 40;
const MOST_CONNECTIONS = 100;

/** setWebhook; without a URL it deletes the webhook. Source: tdlib/telegram-bot-api, process_set_webhook_query. */
export async function setWebhook(call: Call): Promise<unknown> {
  const { bot, params, tools } = call;
  if (params.text("url") === "") return deleteWebhook(call);
  const now = tools.clock.now();
  if (now < bot.nextSetWebhookAt) throw tooManyRequests(1);
  bot.nextSetWebhookAt = now + SET_WEBHOOK_PAUSE_MS;

  const wanted = readWebhook(params);
  const running = bot.cancelSetWebhook !== undefined;
  bot.cancelSetWebhook?.();
  if (!running && isSame(bot.webhook, wanted, params)) {
    updateAllowed(call);
    return new Described(true, "Webhook is already set");
  }
  bot.poller?.abort("terminated by setWebhook request");
  // The old webhook ends before the new one is looked at: a refused setWebhook leaves none.
  removeWebhook(bot);
  tools.changed();
  if (params.flag("drop_pending_updates")) bot.queue.clear();
  checkRequest(params);
  updateAllowed(call);
  return start(call, wanted);
}

/** deleteWebhook. */
export function deleteWebhook({ bot, params, tools }: Call): unknown {
  const had = bot.webhook !== undefined;
  bot.cancelSetWebhook?.();
  removeWebhook(bot);
  if (params.flag("drop_pending_updates")) bot.queue.clear();
  tools.changed();
  return new Described(true, had ? "Webhook was deleted" : "Webhook is already deleted");
}

/** getWebhookInfo. The secret can't be read back. */
export function getWebhookInfo({ bot }: Call): unknown {
  const webhook = bot.webhook;
  return {
    url: webhook?.url ?? "",
    has_custom_certificate: webhook?.certificate !== undefined,
    pending_update_count: bot.queue.size,
    ...(webhook?.lastErrorDate === undefined
      ? {}
      : { last_error_date: webhook.lastErrorDate, last_error_message: webhook.lastErrorMessage }),
    ...(webhook === undefined
      ? {}
      : { max_connections: webhook.maxConnections, ip_address: webhook.ipAddress || "<unknown>" }),
    ...(isDefaultUpdateTypes(bot.allowedUpdates) ? {} : { allowed_updates: bot.allowedUpdates }),
  };
}

/** Ends delivery and forgets the whole configuration; the updates stay. */
export function removeWebhook(bot: Bot): void {
  bot.sender?.stop();
  bot.sender = undefined;
  bot.webhook = undefined;
}

function readWebhook(params: Params): Webhook {
  const certificate = params.file("certificate");
  return {
    url: params.text("url"),
    secretToken: params.text("secret_token"),
    maxConnections: params.integer("max_connections", DEFAULT_CONNECTIONS, 1, MOST_CONNECTIONS),
    ipAddress: params.text("ip_address"),
    fixedIpAddress: params.text("ip_address") !== "",
    ...(certificate === undefined ? {} : { certificate: certificate.content.toString("utf8") }),
  };
}

/** Nothing to do: all is equal, no certificate is in play and nothing is to be dropped. */
function isSame(old: Webhook | undefined, wanted: Webhook, params: Params): boolean {
  return (
    old !== undefined &&
    old.url === wanted.url &&
    old.certificate === undefined &&
    wanted.certificate === undefined &&
    old.maxConnections === wanted.maxConnections &&
    old.fixedIpAddress === wanted.fixedIpAddress &&
    (!wanted.fixedIpAddress || old.ipAddress === wanted.ipAddress) &&
    old.secretToken === wanted.secretToken &&
    !params.flag("drop_pending_updates")
  );
}

function checkRequest(params: Params): void {
  try {
    if (parseTarget(params.text("url")) === undefined) throw badRequest("invalid webhook URL specified");
  } catch (error) {
    // A wrong scheme or port is answered as "bad webhook" when the webhook starts.
    if (!(error instanceof WebhookRefused)) throw error;
  }
  const secret = params.text("secret_token");
  if (secret.length > 256) throw badRequest("secret token is too long");
  if (!/^[A-Za-z0-9_-]*$/.test(secret)) throw badRequest("secret token contains unallowed characters");
  const size = params.file("certificate")?.content.length ?? 0;
  if (size > LARGEST_CERTIFICATE) throw badRequest(`certificate size is too big (${size} bytes)`);
}

function updateAllowed({ bot, params, tools }: Call): void {
  const allowed = parseAllowedUpdates(params.text("allowed_updates"));
  if (allowed === undefined) return;
  bot.allowedUpdates = allowed;
  tools.changed();
}

/** Answers as soon as the address is known: whether TLS and the bot work shows only later, by getWebhookInfo. */
async function start({ bot, tools }: Call, webhook: Webhook): Promise<unknown> {
  bot.webhook = webhook;
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  const cancel = (): void => {
    bot.cancelSetWebhook = undefined;
    conflict(bot, tools.clock, "terminated by other setWebhook").catch(stopped.reject);
  };
  bot.cancelSetWebhook = cancel;
  try {
    const sender = new WebhookSender(bot, webhook, tools);
    bot.sender = sender;
    await Promise.race([sender.start(), stopped.promise]);
    tools.log(
      `${bot.name}: webhook set, up to ${webhook.maxConnections} connections to ${webhook.ipAddress}`,
    );
  } catch (error) {
    if (!(error instanceof WebhookRefused)) throw error;
    if (bot.webhook === webhook) removeWebhook(bot);
    throw badRequest(`bad webhook: ${error.message}`);
  } finally {
    if (bot.cancelSetWebhook === cancel) bot.cancelSetWebhook = undefined;
    tools.changed();
  }
  return new Described(true, "Webhook was set");
}
