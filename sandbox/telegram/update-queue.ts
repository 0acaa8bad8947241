import { randomInt } from "node:crypto";
import type { UpdateType } from "./update-types.ts";

/** An update that waits to be delivered or fetched. */
export interface PendingUpdate {
  id: number;
  type: UpdateType;
  payload: Record<string, unknown>;
  /** Updates of one lane (a chat, mostly) are delivered one after the other. */
  lane: string;
  /** The clock's time (milliseconds) after which nobody wants it any more. */
  expiresAt: number;
}

/** Ids further ahead than this are taken for a mistake, and the reader gets the queue from its start. */
const FUTURE_LIMIT = 10;

/** The updates of one bot in the order of their ids. */
export class UpdateQueue {
  #updates = new Map<number, PendingUpdate>();
  #nextId: number;

  /** @param nextId - the id of the next update; a new bot starts anywhere, as real bots do. */
  constructor(nextId: number = randomInt(100_000_000, 900_000_000), updates: readonly PendingUpdate[] = []) {
    this.#nextId = nextId;
    for (const update of updates) this.#updates.set(update.id, update);
  }

  /** How many updates wait; getWebhookInfo's pending_update_count. */
  get size(): number {
    return this.#updates.size;
  }

  /** The id that the next update will have. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Adds an update and gives it its id. */
  push(update: Omit<PendingUpdate, "id">): PendingUpdate {
    const pending = { id: this.#nextId++, ...update };
    this.#updates.set(pending.id, pending);
    return pending;
  }

  /** Whether an update still waits. */
  has(id: number): boolean {
    return this.#updates.has(id);
  }

  /** Takes an update out: delivered, or given up. */
  forget(id: number): void {
    this.#updates.delete(id);
  }

  /** Drops what is older than `now`, and returns it. */
  expire(now: number): PendingUpdate[] {
    const gone: PendingUpdate[] = [];
    // All updates live equally long, so the first that still lives ends the search.
    for (const update of this.#updates.values()) {
      if (update.expiresAt >= now) break;
      gone.push(update);
    }
    for (const update of gone) this.#updates.delete(update.id);
    return gone;
  }

  /** Drops everything but the newest `keep` updates. */
  clear(keep = 0): void {
    const drop = Math.max(0, this.#updates.size - keep);
    for (const id of [...this.#updates.keys()].slice(0, drop)) this.#updates.delete(id);
  }

  /**
   * What getUpdates sees: a positive offset confirms (forgets) all before it; one that lies in the future or is not
   * positive reads from the start.
   */
  read(offset: number, limit: number): PendingUpdate[] {
    if (offset > 0 && offset <= this.#nextId + FUTURE_LIMIT) {
      for (const id of this.#updates.keys()) {
        if (id >= offset) break;
        this.#updates.delete(id);
      }
    }
    const found: PendingUpdate[] = [];
    for (const update of this.#updates.values()) {
      if (found.length === limit) break;
      found.push(update);
    }
    return found;
  }

  /** Everything that waits, oldest first. */
  all(): PendingUpdate[] {
    return [...this.#updates.values()];
  }
}

/** An update as it goes out. */
export function updateJson(update: PendingUpdate): Record<string, unknown> {
  return { update_id: update.id, [update.type]: update.payload };
}
