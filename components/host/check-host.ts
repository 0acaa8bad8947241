import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { shortImage, unpin } from "../../settings/pins.ts";
import type { Connection } from "./connection.ts";
import { runOnHost } from "./run-on-host.ts";
import { quote } from "./shell.ts";
import { explainSsh } from "./ssh-error.ts";

/** A container or network of a garden. */
export interface GardenThing {
  readonly name: string;
  /** The stack that made it. */
  readonly stack: string;
}

/** What check-host.sh found. */
export interface HostFacts {
  readonly root: "yes" | "sudo" | "no";
  /** The processor architecture as Docker names it, or the kernel's name for another one. */
  readonly platform: string;
  readonly docker: "ok" | "absent" | "denied" | "down";
  /** The containers and networks that carry a garden's label. */
  readonly containers: readonly GardenThing[];
  readonly networks: readonly GardenThing[];
  /** Names of the containers that the edge sends updates to, and of every bot's last good release. */
  readonly serving: readonly string[];
  /** Names of containers that should run and do not; of a bot only its last good release should. */
  readonly stopped: readonly string[];
  /** Those of the images that were asked for that are not on the host; none while Docker is down. */
  readonly missing: readonly string[];
}

/** What the settings want of a host. */
export interface HostWishes {
  /** The architecture, `linux/amd64`. */
  readonly platform: string;
  /** Bots that are pinned to an image. */
  readonly pinned: readonly { readonly name: string; readonly pin: string }[];
}

/** A host that cannot be used as it is; the message says why and what to do. */
export class HostError extends Error {}

/**
 * Looks at the host before anything is deployed. A host that was just ordered may not answer yet, so refused
 * connections are tried again for some seconds.
 *
 * @throws HostError
 */
export async function checkHost(
  connection: Connection,
  wishes: HostWishes,
  log: (line: string) => void,
): Promise<HostFacts> {
  const images = [...new Set(wishes.pinned.map(({ pin }) => pin))];
  const line = images.length === 0 ? "sh -s" : `sh -s -- ${images.map(quote).join(" ")}`;
  const text = readFileSync(new URL("check-host.sh", import.meta.url), "utf8");
  for (let attempt = 1; ; attempt += 1) {
    const result = await runOnHost(connection, line, text);
    if (result.code === 0) return judge(parseFacts(result.stdout), connection, wishes);
    const { message, mayPass } = explainSsh(result, connection.label);
    if (!mayPass || attempt === 3) throw new HostError(message);
    log(`${message.split(". ")[0]}; trying again in ${attempt * 3} s`);
    await delay(attempt * 3000);
  }
}

/**
 * Removes what a killed run left on the host, or starts containers again; see sweep-host.sh.
 *
 * @throws HostError
 */
export async function sweepHost(
  connection: Connection,
  what: "remove-container" | "remove-network" | "start-container",
  names: readonly string[],
): Promise<string[]> {
  const text = readFileSync(new URL("sweep-host.sh", import.meta.url), "utf8");
  const line = `${connection.asRoot}sh -s -- ${[what, ...names].map(quote).join(" ")}`;
  const result = await runOnHost(connection, line, text);
  if (result.code !== 0)
    throw new HostError(`${connection.label} could not be put in order before the run: ${result.stderr}`);
  return result.stdout.split("\n").filter((line) => line !== "");
}

function parseFacts(output: string): HostFacts {
  const lines = output.split("\n").map((line) => line.split("=", 2));
  const all = (key: string) => lines.filter(([name]) => name === key).map(([, value]) => value ?? "");
  const root = all("root")[0];
  const docker = all("docker")[0];
  const machine = all("machine")[0] ?? "";
  return {
    platform: `linux/${{ x86_64: "amd64", aarch64: "arm64" }[machine] ?? machine}`,
    root: root === "yes" || root === "sudo" ? root : "no",
    docker: docker === "ok" || docker === "denied" || docker === "down" ? docker : "absent",
    containers: all("container").map(gardenThing),
    networks: all("network").map(gardenThing),
    serving: all("serving"),
    stopped: all("stopped"),
    missing: all("missing"),
  };
}

const platforms = new Set(["linux/amd64", "linux/arm64"]);

function gardenThing(text: string): GardenThing {
  const [name = "", stack = ""] = text.split(" ");
  return { name, stack };
}

function judge(facts: HostFacts, connection: Connection, { platform, pinned }: HostWishes): HostFacts {
  const { label, user, interpreter } = connection;
  if (facts.root !== "yes" && interpreter[0] !== "ssh") {
    throw new HostError(`a garden on ${label} needs root: run pulumi as root, or set host to an SSH address`);
  }
  if (facts.root === "no") {
    const docker = facts.docker === "denied" ? " and may not use Docker" : "";
    throw new HostError(
      `the login ${user} on ${label} cannot become root${docker}, so it cannot prepare the host. ` +
        `Deploy as root, or as root on the host run: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user} && usermod -aG docker ${user}`,
    );
  }
  if (!platforms.has(facts.platform)) {
    throw new HostError(
      `${label} is ${facts.platform}; a garden needs a host of ${[...platforms].join(" or ")}`,
    );
  }
  if (facts.platform !== platform) {
    throw new HostError(
      `${label} is ${facts.platform}, but images would be built for ${platform}. Set it with: pulumi config set platform ${facts.platform}`,
    );
  }
  const lost = pinned.filter(({ pin }) => facts.missing.includes(pin));
  if (lost.length > 0) throw new HostError(lost.map((bot) => lostPin(bot, label)).join("\n"));
  return facts;
}

function lostPin({ name, pin }: HostWishes["pinned"][number], label: string): string {
  return (
    `${name} is pinned to the image ${shortImage(pin)}, which is not on ${label}. ` +
    `Take an image that is there (npm run rollback -- ${name} --list), or end the pin: ${unpin(name)}`
  );
}
