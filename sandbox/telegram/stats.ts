import { performance } from "node:perf_hooks";

/** How many single updates are remembered with their times; older ones only count in the totals. */
const REMEMBERED_UPDATES = 100_000;

/** How one update fared. Times are real milliseconds since it was sent. */
export interface UpdateRecord {
  updateId: number;
  /** The chat of a message, 0 for other updates. */
  chat: number;
  attempts: number;
  /** Until the webhook answered 2xx, or getUpdates handed it out first. */
  deliveredMs?: number;
  /** Until the bot sent a message to that chat; the n-th one counts for the n-th unanswered message of a person. */
  answeredMs?: number;
  dropped?: boolean;
}

/** A distribution of times in milliseconds. */
export interface Latency {
  count: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** The counts of one bot, since it was added or `reset`. */
export interface Counts {
  /** Updates that people sent to the bot. */
  sent: number;
  /** POSTs to the webhook, successful or not. */
  attempts: number;
  /** Updates that the webhook took with 2xx. */
  delivered: number;
  /** Updates that getUpdates handed out and the bot confirmed. */
  polled: number;
  /** POSTs that failed: a status other than 2xx, no connection, no answer. */
  failed: number;
  /** POSTs of an update after its first one. */
  retried: number;
  /** Updates given up after their life of 24 hours. */
  dropped: number;
  /** Messages that the bot sent. */
  answered: number;
  /** Calls that were refused with 409 and whose caller heard it: a second poller, or one beside a webhook. */
  conflicts: number;
  connectionsOpened: number;
  /** Bot API calls by method. */
  calls: Record<string, number>;
  /** Failed POSTs by reason. */
  errors: Record<string, number>;
}

/** Hears each event of a bot's updates as it is counted. */
export interface StatsWatcher {
  sent(updateId: number): void;
  attempted(updateId: number): void;
  /** A POST failed for this reason. */
  failed(updateId: number, reason: string): void;
  /** The webhook answered 2xx, or getUpdates handed it out: maybe again. */
  reached(updateId: number): void;
  dropped(updateId: number): void;
  conflict(): void;
}

interface Tracked extends UpdateRecord {
  sentAt: number;
}

/** Counts and times of one bot. */
export class Stats {
  counts: Counts = noCounts();
  #records = new Map<number, Tracked>();
  #unanswered = new Map<number, Tracked[]>();
  #watchers = new Set<StatsWatcher>();

  /** Tells a watcher of everything from now on. @returns what ends it */
  watch(watcher: StatsWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * A person's update was put into the bot's queue.
   * @param chat - where a message of the bot is expected as its answer; undefined for updates that ask for none
   */
  sent(updateId: number, chat: number | undefined): void {
    this.counts.sent++;
    const record: Tracked = { updateId, chat: chat ?? 0, attempts: 0, sentAt: performance.now() };
    this.#records.set(updateId, record);
    for (const watcher of this.#watchers) watcher.sent(updateId);
    if (chat !== undefined) this.#expectAnswer(chat, record);
    if (this.#records.size > REMEMBERED_UPDATES) {
      for (const id of this.#records.keys()) {
        this.#records.delete(id);
        break;
      }
    }
  }

  attempted(updateId: number): void {
    this.counts.attempts++;
    for (const watcher of this.#watchers) watcher.attempted(updateId);
    const record = this.#records.get(updateId);
    if (record === undefined) return;
    if (record.attempts++ > 0) this.counts.retried++;
  }

  failed(updateId: number, reason: string): void {
    this.counts.failed++;
    for (const watcher of this.#watchers) watcher.failed(updateId, reason);
    this.counts.errors[reason] = (this.counts.errors[reason] ?? 0) + 1;
  }

  delivered(updateId: number): void {
    this.counts.delivered++;
    this.#reached(updateId);
  }

  /** getUpdates handed an update out, maybe not for the first time. */
  handedOut(updateId: number): void {
    this.#reached(updateId);
  }

  dropped(updateId: number): void {
    this.counts.dropped++;
    for (const watcher of this.#watchers) watcher.dropped(updateId);
    const record = this.#records.get(updateId);
    if (record !== undefined) record.dropped = true;
  }

  /** The bot sent a message to a chat. */
  answered(chat: number): void {
    this.counts.answered++;
    const record = this.#unanswered.get(chat)?.shift();
    if (record !== undefined) record.answeredMs = performance.now() - record.sentAt;
  }

  /** A call was refused with 409. */
  conflicted(): void {
    this.counts.conflicts++;
    for (const watcher of this.#watchers) watcher.conflict();
  }

  called(method: string): void {
    this.counts.calls[method] = (this.counts.calls[method] ?? 0) + 1;
  }

  /** One update's record, if it is still remembered. */
  record(updateId: number): UpdateRecord | undefined {
    const record = this.#records.get(updateId);
    return record === undefined ? undefined : withoutClock(record);
  }

  /** The remembered updates from an id on. */
  records(fromId = 0, toId = Number.POSITIVE_INFINITY): UpdateRecord[] {
    const found = [...this.#records.values()].filter(
      (record) => record.updateId >= fromId && record.updateId <= toId,
    );
    return found.map(withoutClock);
  }

  reset(): void {
    this.counts = noCounts();
    this.#records.clear();
    this.#unanswered.clear();
  }

  #expectAnswer(chat: number, record: Tracked): void {
    const waiting = this.#unanswered.get(chat);
    if (waiting === undefined) this.#unanswered.set(chat, [record]);
    else waiting.push(record);
  }

  #reached(updateId: number): void {
    for (const watcher of this.#watchers) watcher.reached(updateId);
    const record = this.#records.get(updateId);
    if (record !== undefined) record.deliveredMs ??= performance.now() - record.sentAt;
  }
}

function withoutClock({ sentAt: _, ...record }: Tracked): UpdateRecord {
  return record;
}

function noCounts(): Counts {
  return {
    sent: 0,
    attempts: 0,
    delivered: 0,
    polled: 0,
    failed: 0,
    retried: 0,
    dropped: 0,
    answered: 0,
    conflicts: 0,
    connectionsOpened: 0,
    calls: {},
    errors: {},
  };
}

/** Percentiles (nearest rank) of some times; all 0 when there are none. */
export function latency(times: readonly number[]): Latency {
  const sorted = [...times].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), p999: rank(0.999), max: rank(1) };
}
