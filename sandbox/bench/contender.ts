/** What is measured: an edge, or the bots without one. */
import { createHash } from "node:crypto";
import type { Target } from "./load.ts";
import type { Box } from "./workshop.ts";

export interface Contender {
  readonly name: string;
  /** The containers whose processor time counts. */
  readonly boxes: readonly Box[];
  /** The bots that get its updates. */
  readonly bots: readonly Box[];
  /** Where the updates of bot number 0, 1, … are sent to. */
  target(bot: number): Target;
}

/** The webhook's secret of a bot of the benchmark. */
export function secretOf(bot: string): string {
  return createHash("sha256").update(bot).digest("base64url");
}
