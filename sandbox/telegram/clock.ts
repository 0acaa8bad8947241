import { performance } from "node:perf_hooks";

/** Cancels a timer or releases a hold; calling it twice does nothing. */
export type Release = () => void;

/** How long `advance` waits for work that doesn't end, such as an answer that never comes (real milliseconds). */
const DEFAULT_SETTLE_LIMIT_MS = 2000;

/** The longest delay that Node's own timers take (milliseconds). */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

interface Timer {
  due: number;
  order: number;
  run: (() => void) | undefined;
}

interface Hold {
  stale: boolean;
}

/** Settings of a clock. */
export interface ClockOptions {
  /** Milliseconds added to the real time. @default 0 */
  offsetMs?: number;
  /** With true, time moves only by `advance`, so that tests can check delays exactly. @default false */
  frozen?: boolean;
  /** How long `advance` waits for one piece of work (real milliseconds), before time goes on without it. @default 2000 */
  settleLimitMs?: number;
}

/**
 * The time of the stand-in: now = real time + an offset which tests move. Retries, idle time-outs, long polls and
 * lifetimes all run on it, so that 23 hours of failure take a test seconds.
 */
export class Clock {
  #frozenAt: number | undefined;
  #offset: number;
  readonly #settleLimitMs: number;
  #order = 0;
  #timers: Timer[] = [];
  #holds = new Set<Hold>();
  #settled: (() => void) | undefined;
  #wake: NodeJS.Timeout | undefined;
  #advancing = false;
  #closed = false;

  constructor(options: ClockOptions = {}) {
    this.#offset = options.offsetMs ?? 0;
    this.#settleLimitMs = options.settleLimitMs ?? DEFAULT_SETTLE_LIMIT_MS;
    if (options.frozen === true) this.#frozenAt = realNow() + this.#offset;
  }

  /** The stand-in's time in milliseconds since 1970. */
  now(): number {
    return this.#frozenAt ?? realNow() + this.#offset;
  }

  /** The stand-in's time in whole seconds since 1970, as the Bot API writes dates. */
  unixTime(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Milliseconds that this clock is ahead of the real one. */
  offset(): number {
    return this.#frozenAt === undefined ? this.#offset : this.#frozenAt - realNow();
  }

  /** Runs a function once, `delayMs` milliseconds from now on this clock. */
  after(delayMs: number, run: () => void): Release {
    const timer: Timer = { due: this.now() + delayMs, order: this.#order++, run };
    insert(this.#timers, timer);
    this.#arm();
    return () => {
      timer.run = undefined;
    };
  }

  /**
   * Says that something is under way (a request, an answer) whose end may set new timers. `advance` waits for it,
   * within its limit, before it moves to the next timer.
   */
  hold(): Release {
    const hold: Hold = { stale: false };
    this.#holds.add(hold);
    return () => {
      this.#holds.delete(hold);
      if (!this.#busy()) this.#settled?.();
    };
  }

  /** Moves the time forward, firing every timer that comes due on the way, in order and at its own time. */
  async advance(seconds: number): Promise<void> {
    if (!(seconds >= 0)) throw new Error(`advance: seconds must be 0 or more, got ${seconds}`);
    if (this.#advancing) throw new Error("advance: another advance is still running; wait for it");
    this.#advancing = true;
    try {
      const end = this.now() + seconds * 1000;
      for (;;) {
        await this.#settle();
        const next = this.#next();
        if (next === undefined || next.due > end) break;
        this.#moveTo(next.due);
        this.#fire(next);
      }
      this.#moveTo(end);
    } finally {
      this.#advancing = false;
      this.#arm();
    }
  }

  /** Forgets all timers. */
  close(): void {
    this.#closed = true;
    this.#timers = [];
    clearTimeout(this.#wake);
  }

  #busy(): boolean {
    for (const hold of this.#holds) if (!hold.stale) return true;
    return false;
  }

  async #settle(): Promise<void> {
    // Two turns of the event loop let callbacks run that were queued but hold nothing yet.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#busy()) {
      const inTime = await new Promise<boolean>((resolve) => {
        const limit = setTimeout(() => resolve(false), this.#settleLimitMs);
        this.#settled = () => {
          clearTimeout(limit);
          resolve(true);
        };
      });
      this.#settled = undefined;
      if (!inTime) for (const hold of this.#holds) hold.stale = true;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #moveTo(time: number): void {
    if (this.#frozenAt !== undefined) this.#frozenAt = Math.max(this.#frozenAt, time);
    else this.#offset += Math.max(0, time - this.now());
  }

  #next(): Timer | undefined {
    while (this.#timers[0] !== undefined && this.#timers[0].run === undefined) this.#timers.shift();
    return this.#timers[0];
  }

  #fire(timer: Timer): void {
    this.#timers.shift();
    const run = timer.run;
    timer.run = undefined;
    run?.();
  }

  #arm(): void {
    clearTimeout(this.#wake);
    if (this.#closed || this.#advancing) return;
    const next = this.#next();
    if (next === undefined) return;
    const delay = Math.max(0, next.due - this.now());
    // A frozen clock still fires what is due already ("retry at once"); the rest waits for advance.
    if (this.#frozenAt !== undefined && delay > 0) return;
    this.#wake = setTimeout(() => this.#tick(), Math.min(delay, LONGEST_TIMEOUT_MS));
  }

  #tick(): void {
    for (let next = this.#next(); next !== undefined && next.due <= this.now(); next = this.#next()) {
      this.#fire(next);
    }
    this.#arm();
  }
}

function insert(timers: Timer[], timer: Timer): void {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = timers[middle];
    if (
      other !== undefined &&
      (other.due < timer.due || (other.due === timer.due && other.order < timer.order))
    )
      low = middle + 1;
    else high = middle;
  }
  timers.splice(low, 0, timer);
}

/** A wall clock that never steps back while the process runs. */
function realNow(): number {
  return performance.timeOrigin + performance.now();
}
