/** The cap of the doubling delay is drawn between this many seconds and twice as many. */
const RESEND_CAP_SECONDS = 60;

/** The longest Retry-After that is honoured, in seconds. */
const LONGEST_RETRY_AFTER_SECONDS = 3600;

/** How long only HTTP 410 may come before the webhook is removed, in milliseconds. */
export const GONE_LIMIT_MS = 23 * 3600 * 1000;

/** Where an update stands in its retries. */
export interface RetryState {
  /** The last doubling delay, in seconds; 1 before the first failure. */
  delay: number;
  failures: number;
}

/**
 * How many seconds to wait after a failure: a Retry-After of the webhook if it gave one (up to an hour), nothing
 * after the first failure, then 2, 4, 8 … up to a random 60 to 120. Changes the state.
 * Source: tdlib/telegram-bot-api, WebhookActor::on_update_error.
 * @param retryAfter - seconds from the webhook's answer, 0 without
 * @param random - a number from 0 up to 1
 */
export function delayAfterFailure(state: RetryState, retryAfter: number, random: () => number): number {
  const asked = Math.min(LONGEST_RETRY_AFTER_SECONDS, Math.max(0, retryAfter));
  const first = state.failures === 0;
  state.failures++;
  if (asked > 0) return asked;
  if (first) return 0;
  const cap = RESEND_CAP_SECONDS + Math.floor(random() * (RESEND_CAP_SECONDS + 1));
  state.delay = Math.min(cap, state.delay * 2);
  return state.delay;
}

/** Reads Retry-After: whole seconds; anything else counts as absent (0). */
export function parseRetryAfter(header: string | undefined): number {
  return header !== undefined && /^\d{1,9}$/.test(header.trim()) ? Number(header) : 0;
}

/** Lets `count` events through at once and then one every `perMs / count` milliseconds. */
export class FloodControl {
  #perEvent: number;
  #capacity: number;
  #fullUntil = Number.NEGATIVE_INFINITY;

  constructor(count: number, perMs: number) {
    this.#perEvent = perMs / count;
    this.#capacity = perMs;
  }

  /** From when on the next event is allowed (the clock's ms); in the past when it is allowed now. */
  allowedAt(): number {
    return this.#fullUntil + this.#perEvent - this.#capacity;
  }

  add(now: number): void {
    this.#fullUntil = Math.max(now, this.#fullUntil) + this.#perEvent;
  }
}
