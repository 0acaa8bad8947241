/** ssh from the operator's machine to a sandbox host. */
import { ProgramError, run } from "../engine/docker.ts";
import type { Host } from "../vps/host.ts";

/** Arguments of `ssh` for a login; a command may follow. Nothing of the operator's own configuration matters. */
export function sshArguments(host: Host): string[] {
  return [
    ...["-F", "none", "-i", host.identityFile, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
    ...["-o", `UserKnownHostsFile=${host.knownHostsFile}`, "-o", "LogLevel=ERROR"],
    ...["-l", host.user, "-p", String(host.port), host.address],
  ];
}

/** Runs a command on the host and gives what it printed. @throws ProgramError */
export function onHost(host: Host, command: string, input?: string): Promise<string> {
  return run("ssh", [...sshArguments(host), command], input === undefined ? {} : { input });
}

/** Ends the connection that the garden's program shares among its commands (components/host/connection.ts). */
export async function closeConnections(host: Host): Promise<void> {
  const options = ["-o", "ControlPath=~/.ssh/botgarden-%C", "-l", host.user, "-p", String(host.port)];
  try {
    await run("ssh", [...options, "-O", "exit", host.address]);
  } catch (error) {
    // There was none.
    if (!(error instanceof ProgramError)) throw error;
  }
}
