import type { PendingUpdate } from "../update-queue.ts";
import { delayAfterFailure, type RetryState } from "./retry.ts";

/** An update on its way to the webhook. */
export interface LoadedUpdate extends RetryState {
  update: PendingUpdate;
}

interface Lane {
  updates: LoadedUpdate[];
  /** When its first update may go (the clock's ms). */
  wakeAt: number;
  busy: boolean;
}

/**
 * The loaded updates, one lane per chat: the next update of a lane waits until the one before it is answered with
 * 2xx or given up; lanes don't wait for each other.
 */
export class Lanes {
  #lanes = new Map<string, Lane>();

  /** How many lanes have updates. */
  get size(): number {
    return this.#lanes.size;
  }

  add(update: PendingUpdate, now: number): void {
    const loaded: LoadedUpdate = { update, delay: 1, failures: 0 };
    const lane = this.#lanes.get(update.lane);
    if (lane === undefined) this.#lanes.set(update.lane, { updates: [loaded], wakeAt: now, busy: false });
    else lane.updates.push(loaded);
  }

  /** The first update whose time has come, now marked as being sent. */
  take(now: number): LoadedUpdate | undefined {
    const lane = this.#first();
    if (lane === undefined || lane.wakeAt > now) return undefined;
    lane.busy = true;
    return lane.updates[0];
  }

  /** When the next update may go; undefined when none waits. */
  nextAt(): number | undefined {
    return this.#first()?.wakeAt;
  }

  /** The update arrived, or nobody wants it any more: the lane goes on with its next. */
  finish(loaded: LoadedUpdate, now: number): void {
    const lane = this.#lanes.get(loaded.update.lane);
    if (lane?.updates[0] !== loaded) return;
    lane.updates.shift();
    lane.busy = false;
    lane.wakeAt = now;
    if (lane.updates.length === 0) this.#lanes.delete(loaded.update.lane);
  }

  /**
   * The update failed: it goes again after its delay, if it lives that long.
   * @returns false when it doesn't; the caller gives it up
   */
  retry(loaded: LoadedUpdate, now: number, retryAfter: number, random: () => number): boolean {
    const lane = this.#lanes.get(loaded.update.lane);
    if (lane?.updates[0] !== loaded) return true;
    const wakeAt = now + delayAfterFailure(loaded, retryAfter, random) * 1000;
    if (wakeAt > loaded.update.expiresAt) return false;
    lane.busy = false;
    lane.wakeAt = wakeAt;
    return true;
  }

  #first(): Lane | undefined {
    let first: Lane | undefined;
    for (const lane of this.#lanes.values()) {
      if (!lane.busy && (first === undefined || lane.wakeAt < first.wakeAt)) first = lane;
    }
    return first;
  }
}
