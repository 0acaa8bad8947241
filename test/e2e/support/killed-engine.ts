import { copyFileSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { partsOf } from "../../../sandbox/lifecycle/state.ts";
import type { Garden } from "./garden.ts";

/** What README tells to do after a `pulumi up` that was killed, before the next. */
export async function unlockStack(garden: Garden): Promise<void> {
  // The engine may be killed while it writes its state: the one before lies beside it.
  const file = join(partsOf(garden.state.id).backend, ".pulumi/stacks/botgarden/sandbox.json");
  if (existsSync(file) && statSync(file).size === 0) copyFileSync(`${file}.bak`, file);
  await garden.pulumi("cancel", "--yes");
}
