/** Starts a sandbox: a bare host, Telegram, an ACME authority, images, Pulumi's toolchain; and an empty stack. */
import { rmSync } from "node:fs";
import { acmeFiles, startAcme } from "../acme/background.ts";
import { ensurePebbleImage } from "../acme/pebble.ts";
import { ensureDocker } from "../engine/ensure.ts";
import { withLock } from "../engine/lock.ts";
import { ensureImages } from "../images/ensure.ts";
import { startMirror } from "../images/serve.ts";
import { startInBackground, stopInBackground } from "../telegram/background.ts";
import type { TelegramClient } from "../telegram/client.ts";
import { prepareToolchain } from "../toolchain/index.ts";
import { createHost, ensureHostImage, type Host } from "../vps/host.ts";
import { ensureNamesImage } from "../vps/names.ts";
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
const extraDomains = ["www.garden.test"];
const names = [domain, ...extraDomains];

/** Starts the sandbox of a project, a bare one also if it ran before. Cached: a few seconds. */
export async function up({ project, log }: UpOptions): Promise<SandboxState> {
  const id = sandboxIdOf(project);
  return withLock(`sandbox-${id}`, log, async () => {
    await ensureDocker({ log });
    // The toolchain may compile for minutes; the images are made meanwhile.
    const [toolchain, { host, network, acme }] = await Promise.all([
      prepareToolchain({ log }),
      bareHost(id, project, log),
    ]);
    const telegram = await freshTelegram(id, network, host);
    const state: SandboxState = {
      ...{ id, project, toolchain, host, network, domain, extraDomains },
      ...{ apiRoot: telegram.apiUrl, acmeDirectory: acme.directoryUrl },
    };
    writeState(state);
    log("making an empty stack");
    await createStack(state, await acme.roots());
    for (const bot of botsOf(project)) await setToken(state, bot, await telegram.addBot({ name: bot }));
    return state;
  });
}

/** The host and what it meets: images, and an authority that knows its names. */
async function bareHost(id: string, project: string, log: (line: string) => void) {
  const [images] = await Promise.all([
    ensureImages(gardenImages(project), { log }),
    ensureHostImage(log),
    ensurePebbleImage(log),
    ensureNamesImage(log),
  ]);
  const network = await ensureNetwork(id);
  const registryMirror = await startMirror({ sandboxId: id, address: network.gateway, images, log });
  const before = findState(id);
  if (before !== undefined) await closeConnections(before.host);
  const [host, acme] = await Promise.all([
    createHost({ sandboxId: id, name: "host", network, log, registryMirror, names }),
    startAcme({ sandboxId: id, network, log }),
  ]);
  return { host, network, acme };
}

async function freshTelegram(id: string, network: Network, host: Host): Promise<TelegramClient> {
  const { telegram } = partsOf(id);
  await stopInBackground(telegram);
  rmSync(telegram, { recursive: true, force: true });
  return startInBackground({
    stateDir: telegram,
    apiHost: network.gateway,
    hosts: Object.fromEntries(names.map((name) => [name, host.address])),
    extraCa: acmeFiles(id).issuers,
  });
}
