import { setTimeout as delay } from "node:timers/promises";

/** Repeats an expectation until it holds; after the limit its last failure is the test's. */
export async function eventually(expectation: () => Promise<void>, limitMs = 120_000): Promise<void> {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(200);
    }
  }
}
