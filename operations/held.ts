/** What a pause explains of a bot. */
import type { BotStatus } from "./status-of.ts";
import { RESUMED } from "./thresholds.ts";
import { secondsBetween } from "./words.ts";

/** Seconds. nginx's former workers end the connections that Telegram kept to them. */
const FORMER_WORKERS = 10;

/** Whether updates wait because of a pause: Telegram delivers them some time after the bot was let go. */
export function isHeld({ paused, resumed }: BotStatus, time: string): boolean {
  return paused || (resumed !== null && secondsBetween(resumed, time) < RESUMED);
}

/** Whether a bot that polls does not run because it is held. An earlier version froze it instead (docker pause). */
export function isStopped({ paused, release, webhook }: BotStatus): boolean {
  return paused && webhook.wanted === null && (release?.state === "exited" || release?.state === "paused");
}

/** The last failed delivery, unless the edge refused it because the bot was held. */
export function unmeantError({ paused, resumed, webhook }: BotStatus): BotStatus["webhook"]["lastError"] {
  const { lastError } = webhook;
  if (lastError === null || paused) return null;
  return resumed !== null && secondsBetween(resumed, lastError.at) < FORMER_WORKERS ? null : lastError;
}
