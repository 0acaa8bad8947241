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

/** `created` is a release that came meanwhile; an earlier version froze such a bot (docker pause). */
const AT_REST = ["exited", "created", "paused"];

/** Whether a bot that polls does not run because it is held. */
export function isStopped({ paused, release, webhook }: BotStatus): boolean {
  return paused && webhook.wanted === null && AT_REST.includes(release?.state ?? "");
}

/** The last failed delivery, unless the edge refused it because the bot was held. */
export function unmeantError({ paused, resumed, webhook }: BotStatus): BotStatus["webhook"]["lastError"] {
  const { lastError } = webhook;
  if (lastError === null || paused) return null;
  return resumed !== null && secondsBetween(resumed, lastError.at) < FORMER_WORKERS ? null : lastError;
}
