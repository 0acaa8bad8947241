import { performance } from "node:perf_hooks";

/** How often it looks whether the next ones are due (real milliseconds). */
const STEP_MS = 4;

/** The most that one may ask for, a second. */
const HIGHEST_RATE = 5000;

/** Does one thing after the other at an even rate in real time; after a stall it catches up. */
export class Pace {
  readonly #startedAt = performance.now();
  readonly #rate: number;
  readonly #next: (index: number) => boolean;
  #endedAt: number | undefined;
  #timer: NodeJS.Timeout;
  #done = 0;

  /**
   * @param rate - per second
   * @param next - does the next one (the first is 0) and says whether more follow
   * @throws Error for a rate that makes no sense
   */
  constructor(rate: number, next: (index: number) => boolean) {
    if (!(rate > 0 && rate <= HIGHEST_RATE))
      throw new Error(`rate must be above 0 and at most ${HIGHEST_RATE} a second, got ${rate}`);
    this.#rate = rate;
    this.#next = next;
    this.#timer = setInterval(() => this.#step(), STEP_MS);
  }

  /** Seconds since the start, or from the start to the end. */
  get seconds(): number {
    return ((this.#endedAt ?? performance.now()) - this.#startedAt) / 1000;
  }

  get ended(): boolean {
    return this.#endedAt !== undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#endedAt ??= performance.now();
  }

  #step(): void {
    const due = Math.floor(this.seconds * this.#rate) + 1;
    while (this.#done < due && !this.ended) {
      if (!this.#next(this.#done++)) this.stop();
    }
  }
}
