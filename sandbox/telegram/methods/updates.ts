import type { PendingUpdate } from "../update-queue.ts";
import { updateJson } from "../update-queue.ts";
import { parseAllowedUpdates } from "../update-types.ts";
import { type Call, conflict } from "./call.ts";

/** The longest that getUpdates waits, in seconds. */
const LONGEST_POLL_SECONDS = 50;

/**
 * getUpdates. While a webhook is set it is refused; a second poller ends the first. Who asks again with the same
 * offset within 3 seconds waits 3 seconds for news. Source: tdlib/telegram-bot-api, process_get_updates_query.
 */
export async function getUpdates(call: Call): Promise<unknown> {
  const { bot, params, tools } = call;
  const { clock } = tools;
  if (bot.webhook !== undefined) {
    const reason =
      "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    return conflict(bot, clock, reason);
  }
  const offset = params.integer("offset", 0, -(2 ** 31), 2 ** 31 - 1);
  let limit = params.integer("limit", 100, 1, 100);
  let timeout = params.integer("timeout", 0, 0, LONGEST_POLL_SECONDS);
  const allowed = parseAllowedUpdates(params.text("allowed_updates"));
  if (allowed !== undefined) bot.allowedUpdates = allowed;

  const now = clock.now();
  const repeated = offset === bot.lastPoll.offset;
  if (repeated && timeout < 3 && now < bot.lastPoll.at + 3000) timeout = 3;
  if (repeated && now < bot.lastPoll.at + 500) limit = 1;
  bot.lastPoll = { offset, at: now };

  if (offset < 0) bot.queue.clear(-offset);
  const ready = read(call, offset, limit);
  if (ready.length > 0 || timeout === 0) return handOut(call, ready);
  return wait(call, offset, limit, timeout);
}

function read({ bot, tools }: Call, offset: number, limit: number): PendingUpdate[] {
  for (const update of bot.queue.expire(tools.clock.now())) bot.stats.dropped(update.id);
  const before = bot.queue.size;
  const updates = bot.queue.read(offset, limit);
  bot.stats.counts.polled += before - bot.queue.size;
  tools.changed();
  return updates;
}

function handOut({ bot }: Call, updates: PendingUpdate[]): unknown {
  for (const update of updates) bot.stats.handedOut(update.id);
  return updates.map(updateJson);
}

function wait(call: Call, offset: number, limit: number, timeoutSeconds: number): Promise<unknown> {
  const { bot, tools } = call;
  bot.poller?.abort(
    "terminated by other getUpdates request; make sure that only one bot instance is running",
  );
  return new Promise((resolve, reject) => {
    let cancel: () => void = () => undefined;
    const end = (): void => {
      cancel();
      if (bot.poller === poller) bot.poller = undefined;
    };
    const look = (): void => {
      if (bot.poller !== poller) return;
      end();
      resolve(handOut(call, read(call, offset, limit)));
    };
    const poller = {
      // Updates that come together go out together.
      wake: () => void setImmediate(look),
      abort: (reason: string) => {
        end();
        conflict(bot, tools.clock, reason).catch(reject);
      },
    };
    cancel = tools.clock.after(timeoutSeconds * 1000, look);
    bot.poller = poller;
  });
}
