/** Removes everything that `up` made: processes, connections, containers, networks, volumes, the stack. */
import { withLock } from "../engine/lock.ts";
import { stopInBackground } from "../telegram/background.ts";
import { removeAll } from "../vps/remove.ts";
import { closeConnections } from "./ssh.ts";
import { removeSettingsFile } from "./stack.ts";
import { findState, partsOf } from "./state.ts";

/** Also after a run that was killed; does nothing where there is nothing. */
export async function down(id: string, log: (line: string) => void): Promise<void> {
  await withLock(`sandbox-${id}`, log, async () => {
    const state = findState(id);
    if (state !== undefined) {
      await closeConnections(state.host);
      removeSettingsFile(state.project);
    }
    await stopInBackground(partsOf(id).telegram);
    await removeAll(id, { log });
    log("the sandbox is gone");
  });
}
