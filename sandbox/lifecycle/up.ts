/** Starts a sandbox: a bare host, Telegram, the images and the Pulumi toolchain; and an empty stack for them. */
import { rmSync } from "node:fs";
import { ensureDocker } from "../engine/ensure.ts";
import { withLock } from "../engine/lock.ts";
import { ensureImages } from "../images/ensure.ts";
import { startMirror } from "../images/serve.ts";
import { startInBackground, stopInBackground } from "../telegram/background.ts";
import type { TelegramClient } from "../telegram/client.ts";
import { prepareToolchain } from "../toolchain/index.ts";
import { createHost, ensureHostImage, type Host } from "../vps/host.ts";
import { ensureNetwork, type Network } from "../vps/network.ts";
import { sandboxIdOf } from "./checkout.ts";
import { gardenImages } from "./garden-images.ts";
import { closeConnections } from "./ssh.ts";
import { botsOf, createStack, setToken } from "./stack.ts";
import { findState, partsOf, type SandboxState, writeState } from "./state.ts";

export interface UpOptions {
  /** The folder that holds the program: this checkout, or a copy of it. */
  readonly project: string;
  readonly log: (line: string) => void;
}

/** The garden's name in the sandbox; `.test` is nobody's (RFC 6761). */
const domain = "garden.test";

/** Starts the sandbox of a project, a bare one also if it ran before. Cached: a few seconds. */
export async function up({ project, log }: UpOptions): Promise<SandboxState> {
  const id = sandboxIdOf(project);
  return withLock(`sandbox-${id}`, log, async () => {
    await ensureDocker({ log });
    // The toolchain may compile for minutes; the images are made meanwhile.
    const [toolchain, host] = await Promise.all([prepareToolchain({ log }), bareHost(id, project, log)]);
    const telegram = await freshTelegram(id, host.network, host.host);
    const state: SandboxState = { id, project, host: host.host, domain, apiRoot: telegram.apiUrl, toolchain };
    writeState(state);
    log("making an empty stack");
    await createStack(state);
    for (const bot of botsOf(project)) await setToken(state, bot, await telegram.addBot({ name: bot }));
    return state;
  });
}

async function bareHost(id: string, project: string, log: (line: string) => void) {
  const [images] = await Promise.all([ensureImages(gardenImages(project), { log }), ensureHostImage(log)]);
  const network = await ensureNetwork(id);
  const registryMirror = await startMirror({ sandboxId: id, address: network.gateway, images, log });
  const before = findState(id);
  if (before !== undefined) await closeConnections(before.host);
  const host = await createHost({ sandboxId: id, name: "host", network, log, registryMirror });
  return { host, network };
}

async function freshTelegram(id: string, network: Network, host: Host): Promise<TelegramClient> {
  const { telegram } = partsOf(id);
  await stopInBackground(telegram);
  rmSync(telegram, { recursive: true, force: true });
  return startInBackground({
    stateDir: telegram,
    apiHost: network.gateway,
    hosts: { [domain]: host.address },
  });
}
