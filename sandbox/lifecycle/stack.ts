/** The stack `sandbox`: its settings file in the project's folder, its state in the sandbox's. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Roots } from "../acme/control-api.ts";
import { run } from "../engine/docker.ts";
import { processEnvironment, stackName } from "./environment.ts";
import { partsOf, type SandboxState } from "./state.ts";

/** Runs the sandbox's Pulumi in the project's folder and gives what it printed. */
export function pulumi(
  state: Pick<SandboxState, "id" | "project" | "toolchain">,
  args: readonly string[],
  options: { input?: string; log?: (line: string) => void } = {},
): Promise<string> {
  return run(state.toolchain.cli, args, {
    cwd: state.project,
    env: processEnvironment(state.id, state.toolchain),
    ...options,
  });
}

/** Makes an empty stack with the settings of this sandbox. What an earlier one knew is forgotten. */
export async function createStack(
  state: SandboxState,
  { authority }: Pick<Roots, "authority">,
): Promise<void> {
  const { backend, passphraseFile } = partsOf(state.id);
  rmSync(backend, { recursive: true, force: true });
  mkdirSync(backend, { recursive: true, mode: 0o700 });
  // Only keeps Pulumi's encryption at work; the sandbox holds nothing that is worth a secret.
  writeFileSync(passphraseFile, "sandbox", { mode: 0o600 });
  rmSync(settingsFile(state.project), { force: true });
  await pulumi(state, ["stack", "init", stackName, "--non-interactive"]);
  const { host } = state;
  const settings: Record<string, string> = {
    host: `${host.user}@${host.address}:${host.port}`,
    hostKey: host.hostKey,
    identityFile: host.identityFile,
    domain: state.domain,
    "telegram.apiRoot": state.apiRoot,
    "certificate.directory": state.acmeDirectory,
    "certificate.authority": authority,
    "edge.allowFrom[0]": "telegram",
    // The stand-in is not at one of Telegram's addresses.
    "edge.allowFrom[1]": state.network.subnet,
  };
  const plain = Object.entries(settings).flatMap(([key, value]) => [
    "--plaintext",
    `botgarden:${key}=${value}`,
  ]);
  await pulumi(state, ["config", "set-all", "--path", ...plain, "--non-interactive"]);
}

/** Stores a bot's token in the stack. */
export async function setToken(state: SandboxState, bot: string, token: string): Promise<void> {
  await pulumi(state, ["config", "set", "--secret", `${bot}:token`, "--non-interactive"], { input: token });
}

/** Removes the settings file that `createStack` made in the project's folder. */
export function removeSettingsFile(project: string): void {
  rmSync(settingsFile(project), { force: true });
}

function settingsFile(project: string): string {
  return join(project, `Pulumi.${stackName}.yaml`);
}

/** The names of the bots whose files are in the project. */
export function botsOf(project: string): string[] {
  return readdirSync(join(project, "bots"))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts") && !file.startsWith("_"))
    .map((file) => file.slice(0, -".ts".length));
}
