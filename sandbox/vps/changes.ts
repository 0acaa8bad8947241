/** What tests do to a host besides ssh: another user, a reboot, a machine that is down. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { docker } from "../engine/docker.ts";
import type { Host } from "./host.ts";
import { waitForHost } from "./wait.ts";

/**
 * Makes a user who may log in with the sandbox's operator key and use sudo without a password, and who is not
 * in the group docker. Gives the host as that user sees it. Works again on a host that has the user.
 */
export async function addUser(host: Host, user: string): Promise<Host> {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(user))
    throw new Error(`a user's name is of a-z, 0-9 and -, not "${user}"`);
  const script = await readFile(join(import.meta.dirname, "add-user.sh"), "utf8");
  await docker(["exec", "--interactive", host.container, "sh", "-s", "--", user], { input: script });
  return { ...host, user };
}

/** Reboots the host: everything in memory is lost, files, volumes, keys and the address stay. */
export async function restartHost(host: Host): Promise<void> {
  await docker(["restart", host.container]);
  await waitForHost(host);
}

/** Switches the host off: it no longer answers at all. */
export async function stopHost(host: Host): Promise<void> {
  await docker(["stop", host.container]);
}

/** Switches a stopped host on again. */
export async function startHost(host: Host): Promise<void> {
  await docker(["start", host.container]);
  await waitForHost(host);
}
