import type { Bot, Bots } from "./bots.ts";
import type { Clock } from "./clock.ts";
import type { SenderTools } from "./delivery/sender.ts";
import type { NumberedOrder, NumberedReport, NumberedWindow } from "./numbered-api.ts";
import { Journal, now } from "./numbered-journal.ts";
import { botReport } from "./numbered-report.ts";
import { Pace } from "./pace.ts";
import { writeMessage } from "./people.ts";

/** Far from the chats in which people of a test write. */
const FIRST_CHAT = 2_000_001;

interface Addressee {
  bot: Bot;
  journal: Journal;
  unwatch: () => void;
}

/** Sends numbered updates to several bots at an even rate, and keeps count of each one's way. */
class NumberedRun {
  readonly id: number;
  readonly #startedAt = now();
  readonly #clock: Clock;
  readonly #chats: number;
  readonly #firstChat: number;
  readonly #addressees: Addressee[];
  readonly #pace: Pace;

  constructor(id: number, bots: readonly Bot[], clock: Clock, order: NumberedOrder) {
    const { rate, chats = 20, firstChat = FIRST_CHAT, seconds = Number.POSITIVE_INFINITY } = order;
    if (bots.length === 0) throw new Error("numbered: name at least one bot");
    if (new Set(bots).size < bots.length) throw new Error("numbered: name each bot once");
    if (!Number.isInteger(chats) || chats < 1)
      throw new Error(`numbered: chats must be a whole number from 1, got ${chats}`);
    if (!(seconds > 0)) throw new Error(`numbered: seconds must be above 0, got ${seconds}`);
    this.id = id;
    this.#clock = clock;
    this.#chats = chats;
    this.#firstChat = firstChat;
    const count = Math.ceil(rate * seconds);
    this.#pace = new Pace(rate, (index) => this.#sendOne(index) && index + 1 < count);
    this.#addressees = bots.map((bot) => {
      const journal = new Journal();
      return { bot, journal, unwatch: bot.stats.watch(journal) };
    });
  }

  /** Everything was sent, and each update was delivered or dropped. */
  get done(): boolean {
    return this.#pace.ended && this.#addressees.every(({ journal }) => journal.open === 0);
  }

  stop(): void {
    this.#pace.stop();
  }

  /** Hears no more of its updates. */
  forget(): void {
    this.stop();
    for (const { unwatch } of this.#addressees) unwatch();
  }

  report(windows: readonly NumberedWindow[]): NumberedReport {
    return {
      id: this.id,
      done: this.done,
      startedAt: this.#startedAt,
      seconds: this.#pace.seconds,
      bots: this.#addressees.map(({ bot, journal }) => botReport(bot.name, journal, windows)),
    };
  }

  /** @returns false when the bot takes no messages: then nothing more is sent to anyone */
  #sendOne(index: number): boolean {
    const addressee = this.#addressees[index % this.#addressees.length];
    if (addressee === undefined) return false;
    const { bot, journal } = addressee;
    const before = Math.floor(index / this.#addressees.length);
    const chat = this.#firstChat + (before % this.#chats);
    let taken = false;
    journal.record(before + 1, chat, () => {
      const letter = { chat, text: `run ${this.id} update ${before + 1}`, kept: false };
      taken = writeMessage(bot, this.#clock, letter) !== undefined;
    });
    return taken;
  }
}

/** All runs of the numbered sender since the stand-in started. */
export class NumberedRuns {
  readonly #bots: Bots;
  readonly #tools: SenderTools;
  #runs = new Map<number, NumberedRun>();
  #lastId = 0;

  constructor(bots: Bots, tools: SenderTools) {
    this.#bots = bots;
    this.#tools = tools;
  }

  /** @returns the run's id @throws Error for an order that makes no sense */
  start(order: NumberedOrder): number {
    const bots = order.bots.map((name) => this.#bots.byName(name));
    const deaf = bots.find((bot) => !bot.allowedUpdates.includes("message"));
    if (deaf !== undefined) throw new Error(`numbered: the bot "${deaf.name}" gets no messages`);
    // Unlike those of a stand-in that ran before: bots may still have its updates in their records.
    const id = Math.max(this.#lastId + 1, Math.floor(Date.now() / 1000));
    this.#runs.set(id, new NumberedRun(id, bots, this.#tools.clock, order));
    this.#lastId = id;
    this.#tools.log(`numbered updates for ${order.bots.join(", ")} at ${order.rate}/s: run ${id} begins`);
    return id;
  }

  get(id: number): NumberedRun {
    const run = this.#runs.get(id);
    if (run === undefined) throw new Error(`there is no run ${id} of the numbered sender`);
    return run;
  }

  stopAll(): void {
    for (const run of this.#runs.values()) run.forget();
  }
}
