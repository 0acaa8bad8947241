import type { Bot } from "./bots.ts";
import type { Clock } from "./clock.ts";
import { Pace } from "./pace.ts";
import { DEFAULT_CHAT, writeMessage } from "./people.ts";
import { type Latency, latency } from "./stats.ts";

/** What to send. */
export interface FloodOrder {
  /** Updates per second. */
  rate: number;
  /** How many in all; they carry the texts "update 1" to "update <count>". */
  count: number;
  /** Over how many chats they are spread in turn. @default 40 */
  chats?: number;
  /** The id of the first chat. @default 1000001 */
  firstChat?: number;
}

/** How far a flood is. Times are real milliseconds from sending. */
export interface FloodReport {
  id: number;
  sent: number;
  delivered: number;
  answered: number;
  dropped: number;
  /** Updates that needed more than one POST. */
  retried: number;
  /** Everything was sent, and each update was delivered or dropped. */
  done: boolean;
  firstUpdateId: number;
  lastUpdateId: number;
  /** The sending took this many seconds. */
  seconds: number;
  /** From sending to the webhook's 2xx. */
  delivery: Latency;
  /** From sending to the bot's own message in that chat. */
  answer: Latency;
}

/** Sends numbered updates to a bot at an even rate, in real time. */
export class Flood {
  readonly id: number;
  readonly bot: Bot;
  #order: Required<FloodOrder>;
  #sent = 0;
  #first = 0;
  #last = 0;
  #pace: Pace;

  /** @throws Error for a rate, count or number of chats that makes no sense */
  constructor(id: number, bot: Bot, clock: Clock, order: FloodOrder) {
    const { rate, count, chats = 40, firstChat = DEFAULT_CHAT } = order;
    if (!Number.isInteger(count) || count < 1)
      throw new Error(`flood: count must be a whole number from 1, got ${count}`);
    if (!Number.isInteger(chats) || chats < 1)
      throw new Error(`flood: chats must be a whole number from 1, got ${chats}`);
    this.id = id;
    this.bot = bot;
    this.#order = { rate, count, chats, firstChat };
    this.#pace = new Pace(rate, (index) => this.#sendOne(clock, index));
  }

  /** Ends the sending early. */
  stop(): void {
    this.#pace.stop();
  }

  report(): FloodReport {
    const records = this.#sent === 0 ? [] : this.bot.stats.records(this.#first, this.#last);
    const delivered = records.flatMap((record) => record.deliveredMs ?? []);
    const answered = records.flatMap((record) => record.answeredMs ?? []);
    const dropped = records.filter((record) => record.dropped).length;
    return {
      id: this.id,
      sent: this.#sent,
      delivered: delivered.length,
      answered: answered.length,
      dropped,
      retried: records.filter((record) => record.attempts > 1).length,
      done: this.#pace.ended && delivered.length + dropped >= this.#sent,
      firstUpdateId: this.#first,
      lastUpdateId: this.#last,
      seconds: this.#pace.seconds,
      delivery: latency(delivered),
      answer: latency(answered),
    };
  }

  /** @returns whether more follow */
  #sendOne(clock: Clock, index: number): boolean {
    const { count, chats, firstChat } = this.#order;
    const chat = firstChat + (index % chats);
    const update = writeMessage(this.bot, clock, { chat, text: `update ${index + 1}` });
    if (update === undefined) return false;
    if (this.#sent === 0) this.#first = update.id;
    this.#last = update.id;
    this.#sent++;
    return this.#sent < count;
  }
}
