/** A second network beside the sandbox's: whoever comes from it is neither Telegram nor the sandbox. */
import { docker, dockerOrNothing, sandboxLabel } from "../../../sandbox/engine/docker.ts";
import type { Host } from "../../../sandbox/vps/host.ts";
import { networkName } from "../../../sandbox/vps/network.ts";

export interface Strangers {
  /** The host's address for strangers. */
  readonly host: string;
  /** This machine's address among them. */
  readonly own: string;
  leave(): Promise<void>;
}

/**
 * Joins the host to a network of its own, without a way out of it so that the host's default route stays. Addresses are
 * of 198.18.0.0/15, which is nobody's (RFC 2544).
 */
export async function joinStrangers(host: Host): Promise<Strangers> {
  const { sandboxId, container } = host;
  const name = `${networkName(sandboxId)}-strangers`;
  const index = Number.parseInt(sandboxId, 36) % 512;
  const prefix = `198.${18 + (index >> 8)}.${index & 255}`;
  const leave = async () => {
    await dockerOrNothing(["network", "disconnect", "--force", name, container]);
    await dockerOrNothing(["network", "rm", name]);
  };
  await leave();
  const range = ["--subnet", `${prefix}.0/24`, "--gateway", `${prefix}.1`];
  await docker(["network", "create", "--internal", "--label", sandboxLabel(sandboxId), ...range, name]);
  await docker(["network", "connect", "--ip", `${prefix}.10`, name, container]);
  return { host: `${prefix}.10`, own: `${prefix}.1`, leave };
}
