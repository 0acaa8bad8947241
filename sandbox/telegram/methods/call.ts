import type { Bot } from "../bots.ts";
import type { Clock } from "../clock.ts";
import type { SenderTools } from "../delivery/sender.ts";
import { ApiError } from "../errors.ts";
import type { Params } from "../params.ts";

/** What a Bot API method gets. */
export interface Call {
  bot: Bot;
  params: Params;
  tools: SenderTools;
}

/** A result that Telegram also describes ("Webhook was set"). */
export class Described {
  readonly result: unknown;
  readonly description: string;

  constructor(result: unknown, description: string) {
    this.result = result;
    this.description = description;
  }
}

/** A Bot API method: gives the `result`, or throws an ApiError. */
export type Method = (call: Call) => unknown;

/** How often a bot hears 409 at once; further ones are held back for as long (milliseconds). */
const CONFLICT_PAUSE_MS = 3000;

/**
 * Fails with 409: at once the first time, three seconds late when another 409 went out less than three seconds ago,
 * so that two pollers don't spin.
 */
export function conflict(bot: Bot, clock: Clock, description: string): Promise<never> {
  const error = new ApiError(409, `Conflict: ${description}`);
  error.heard = () => bot.stats.conflicted();
  const now = clock.now();
  if (now >= bot.nextConflictAt) {
    bot.nextConflictAt = now + CONFLICT_PAUSE_MS;
    return Promise.reject(error);
  }
  return new Promise((_, reject) => {
    clock.after(CONFLICT_PAUSE_MS, () => reject(error));
  });
}
