/** Waiting for a host by condition. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../cli/user-error.ts";
import { dockerOrNothing } from "../engine/docker.ts";
import type { Host } from "./host.ts";

/** Milliseconds that a host may take to boot. */
const bootLimit = 180_000;

/** Waits until the host has booted (systemd has no jobs left) and sshd greets. */
export async function waitForHost(
  host: Pick<Host, "name" | "address" | "port" | "container">,
): Promise<void> {
  const end = Date.now() + bootLimit;
  let last = "";
  for (;;) {
    const state = await systemState(host.container);
    if (state !== undefined && (await greets(host.address, host.port))) return;
    const running = await dockerOrNothing([
      "inspect",
      "--format",
      "{{.State.Running}} {{.State.ExitCode}}",
      host.container,
    ]);
    last = `container ${running ?? "gone"}, systemd ${state ?? "still starting"}`;
    if (running?.startsWith("false") || Date.now() > end) break;
    await delay(50);
  }
  const logs = (await dockerOrNothing(["logs", "--tail", "5", host.container])) ?? "";
  throw new UserError(`the sandbox's host ${host.name} did not come up (${last}). ${logs}`.trim());
}

/** "running" or "degraded" once systemd has finished its boot. */
async function systemState(container: string): Promise<string | undefined> {
  const script = 'state=$(systemctl is-system-running --wait) || [ "$state" = degraded ]; echo "$state"';
  const state = await dockerOrNothing(["exec", container, "sh", "-c", script], { timeout: 30_000 });
  return state === "running" || state === "degraded" ? state : undefined;
}

/** True when an ssh server says its version. */
function greets(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 2000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (chunk) => end(chunk.toString("latin1").startsWith("SSH-")));
    socket
      .once("error", () => end(false))
      .once("timeout", () => end(false))
      .once("close", () => end(false));
  });
}
