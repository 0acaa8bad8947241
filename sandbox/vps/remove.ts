/** Removes all that a sandbox made, also after a run that was killed. */
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { stopFronts } from "../acme/background.ts";
import { docker, dockerLines, dockerOrNothing, ProgramError, sandboxLabel } from "../engine/docker.ts";
import { sandboxFolder } from "../engine/paths.ts";
import { stopMirror } from "../images/serve.ts";

/**
 * Ends the mirror and the ACME authorities, removes every container, volume and network with the sandbox's label,
 * then the sandbox's folder with keys and logs. Images and other caches stay. Processes of others that keep pid
 * files in that folder must be stopped before.
 */
export async function removeAll(sandboxId: string, { log }: { log: (line: string) => void }): Promise<void> {
  await stopMirror(sandboxId);
  await stopFronts(sandboxId);
  for (let tries = 1; ; tries += 1) {
    try {
      await removeFromEngine(sandboxId, log);
      break;
    } catch (error) {
      // What a killed run had asked for may come to be only now, and a mount of the host's engine may still be busy.
      if (!(error instanceof ProgramError) || tries === 10) throw error;
      log(`not everything could be removed yet, so once more: ${error.message}`);
      await delay(2000);
    }
  }
  await rm(sandboxFolder(sandboxId), { recursive: true, force: true });
}

async function removeFromEngine(sandboxId: string, log: (line: string) => void): Promise<void> {
  const filter = ["--filter", `label=${sandboxLabel(sandboxId)}`];
  const containers = await dockerLines(["ps", "--all", "--quiet", ...filter]);
  if (containers.length > 0) {
    log(`removing ${containers.length} container${containers.length === 1 ? "" : "s"} of the sandbox`);
    await docker(["rm", "--force", "--volumes", ...containers]);
  }
  const volumes = await dockerLines(["volume", "ls", "--quiet", ...filter]);
  if (volumes.length > 0) await docker(["volume", "rm", "--force", ...volumes]);
  for (const network of await dockerLines(["network", "ls", "--quiet", ...filter]))
    await removeNetwork(network);
}

/** Containers that somebody else joined to the network are let go, not removed. */
async function removeNetwork(network: string): Promise<void> {
  const format = "{{range $id, $container := .Containers}}{{$id}} {{end}}";
  const guests = (await docker(["network", "inspect", "--format", format, network]))
    .split(" ")
    .filter(Boolean);
  for (const guest of guests) await dockerOrNothing(["network", "disconnect", "--force", network, guest]);
  await docker(["network", "rm", network]);
}
