import type { Garden } from "./garden.ts";

/** What README tells to do after a `pulumi up` that was killed, before the next. */
export async function unlockStack(garden: Garden): Promise<void> {
  await garden.pulumi("cancel", "--yes");
}
