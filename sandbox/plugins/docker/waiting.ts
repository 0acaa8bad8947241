/** Waiting for the engine to get ready, as Terraform's retry helper does. */
import { setTimeout as sleep } from "node:timers/promises";

/** How often the engine is asked, in milliseconds. The official plugin waits 2 s first and 5 s in between. */
const POLL_MS = 500;

/**
 * Asks again and again until `done` answers true.
 *
 * @throws Error in Terraform's wording after `seconds`, or when `signal` is aborted
 */
export async function until(
  done: () => Promise<boolean>,
  wanted: {
    readonly state: string;
    readonly last: string;
    readonly seconds: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const end = Date.now() + wanted.seconds * 1000;
  while (!(await done())) {
    if (Date.now() > end) {
      throw new Error(
        `timeout while waiting for state to become '${wanted.state}' (last state: '${wanted.last}', timeout: ${wanted.seconds}s)`,
      );
    }
    await sleep(POLL_MS, undefined, { signal: wanted.signal });
  }
}
