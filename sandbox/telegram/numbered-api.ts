import type { Latency } from "./stats.ts";

/** What to send, and to whom. */
export interface NumberedOrder {
  /** The bots, served in turn. */
  bots: readonly string[];
  /** Updates per second, over all bots together. */
  rate: number;
  /** Over how many chats each bot's updates are spread in turn. @default 20 */
  chats?: number;
  /** The id of each bot's first chat. @default 2000001 */
  firstChat?: number;
  /** For how long to send, in seconds. @default until `numberedStop` */
  seconds?: number;
}

/** A stretch of real time: milliseconds since 1970, as Date.now() gives them. */
export interface TimeRange {
  from: number;
  to: number;
}

/** Stretches of time that are looked at together, as all releases of one bot. */
export interface NumberedWindow {
  name: string;
  ranges: readonly TimeRange[];
}

/** How one numbered update fared. Times are milliseconds since 1970. */
export interface NumberedUpdate {
  number: number;
  updateId: number;
  chat: number;
  sentAt: number;
  /** POSTs to the webhook. */
  attempts: number;
  /** How often the webhook answered 2xx, or getUpdates handed it out. */
  reached: number;
  /** When it was reached first. */
  deliveredAt?: number;
  dropped?: true;
}

/** A POST that failed. */
export interface NumberedFailure {
  /** Milliseconds since 1970. */
  at: number;
  updateId: number;
  /** The webhook's status; undefined when there was no answer. */
  status?: number;
  reason: string;
}

/** What happened in some stretches of time. */
export interface WindowReport {
  /** How long the stretches are in all. */
  seconds: number;
  sent: number;
  /** Of those sent in it, how many arrived, then or later. */
  delivered: number;
  /** Of those sent in it, how many needed more than one POST. */
  retried: number;
  /** POSTs that failed in it. */
  failed: number;
  /** From sending to the first 2xx, of those sent in it; milliseconds. */
  latency: Latency;
  /** The longest time in one of the stretches without a delivery, in milliseconds. */
  longestGapMs: number;
}

/** How the updates of one bot fared. */
export interface NumberedBotReport {
  bot: string;
  firstUpdateId: number;
  lastUpdateId: number;
  sent: number;
  delivered: number;
  /** Given up after their life of 24 hours. */
  dropped: number;
  /** Neither delivered nor dropped yet. */
  pending: number;
  /** POSTs. */
  attempts: number;
  /** Updates that needed more than one POST. */
  retried: number;
  /** POSTs that the webhook answered with another status than 2xx, by status. */
  refused: Record<string, number>;
  /** POSTs that got no answer (TLS, connection, time-out), by reason. */
  broken: Record<string, number>;
  /** Updates that reached the bot more than once as far as Telegram knows; polling bots may be handed one again. */
  repeated: number;
  /** Answers 409 that somebody heard: there were two pollers, or one beside a webhook. */
  conflicts: number;
  /** Updates that were delivered after a later one of the same chat. */
  outOfOrder: number;
  /** From sending to the first 2xx, milliseconds. */
  latency: Latency;
  /** The longest time between two deliveries, and since the last one while some wait, in milliseconds. */
  longestGapMs: number;
  /** By the name of the window asked for. */
  windows: Record<string, WindowReport>;
}

/** How a run of the numbered sender fares. */
export interface NumberedReport {
  id: number;
  /** The sending has ended, and each update was delivered or dropped. */
  done: boolean;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** How long the sending took, or takes until now. */
  seconds: number;
  bots: NumberedBotReport[];
}
