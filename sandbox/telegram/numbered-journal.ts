import { performance } from "node:perf_hooks";
import type { NumberedFailure, NumberedUpdate } from "./numbered-api.ts";
import type { StatsWatcher } from "./stats.ts";

/** Writes down what happens to the numbered updates of one bot; other updates of the bot are left out. */
export class Journal implements StatsWatcher {
  /** In the order in which they were sent. */
  readonly updates: NumberedUpdate[] = [];
  readonly failures: NumberedFailure[] = [];
  conflicts = 0;
  /** How many are neither delivered nor dropped. */
  open = 0;
  #byId = new Map<number, NumberedUpdate>();
  #next: { number: number; chat: number } | undefined;

  /** The update that `send` sends belongs to this run. */
  record(number: number, chat: number, send: () => void): void {
    this.#next = { number, chat };
    send();
    this.#next = undefined;
  }

  sent(updateId: number): void {
    if (this.#next === undefined) return;
    const update = { ...this.#next, updateId, sentAt: now(), attempts: 0, reached: 0 };
    this.#next = undefined;
    this.updates.push(update);
    this.#byId.set(updateId, update);
    this.open++;
  }

  attempted(updateId: number): void {
    const update = this.#byId.get(updateId);
    if (update !== undefined) update.attempts++;
  }

  failed(updateId: number, reason: string): void {
    if (!this.#byId.has(updateId)) return;
    const status = /^Wrong response from the webhook: (\d{3}) /.exec(reason)?.[1];
    const failure = { at: now(), updateId, reason };
    this.failures.push(status === undefined ? failure : { ...failure, status: Number(status) });
  }

  reached(updateId: number): void {
    const update = this.#byId.get(updateId);
    if (update === undefined || update.reached++ > 0) return;
    update.deliveredAt = now();
    if (update.dropped === undefined) this.open--;
  }

  dropped(updateId: number): void {
    const update = this.#byId.get(updateId);
    if (update === undefined || update.dropped) return;
    update.dropped = true;
    if (update.deliveredAt === undefined) this.open--;
  }

  conflict(): void {
    this.conflicts++;
  }
}

/** Real time in milliseconds since 1970, to fractions; it never jumps while the process runs. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
