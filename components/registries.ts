import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Fault } from "../settings/fault.ts";
import { shownPath } from "../settings/shown.ts";

/** The stack's setting with the logins. */
export const REGISTRIES = "registries";

/** A login at a private registry. */
export interface RegistryLogin {
  /** As images' references name it, `ghcr.io`. */
  readonly registry: string;
  readonly username: string;
  readonly password: pulumi.Output<string>;
}

/**
 * The logins in the stack's setting, which has been checked (settings/registries.ts).
 *
 * @param text the setting as Pulumi's configuration gives it, in clear
 * @param isSecret whether it is stored encrypted; Pulumi tells it of the setting as a whole
 * @param where the stack's file as messages name it
 */
export function readRegistries(
  text: string | undefined,
  isSecret: boolean,
  where: string,
): { logins: RegistryLogin[]; faults: Fault[] } {
  const given = Object.entries(
    JSON.parse(text ?? "{}") as Record<string, { username: string; password: string }>,
  );
  const logins = given.map(([registry, { username, password }]) => ({
    ...{ registry, username },
    password: pulumi.secret(password),
  }));
  if (isSecret) return { logins, faults: [] };
  return {
    logins,
    faults: given.map(([registry]) => ({
      where,
      path: passwordPath(registry),
      problem:
        "was set without --secret and can be read in the stack's file, so if the file was shared, a new password is needed",
      fix: `Set it with: ${setPassword(registry)}`,
    })),
  };
}

function passwordPath(registry: string): string {
  return `botgarden:${shownPath([REGISTRIES, registry, "password"])}`;
}

/** The command that sets a login's password; it asks for it. */
export function setPassword(registry: string): string {
  return `pulumi config set --secret --path '${passwordPath(registry)}'`;
}

/** The command that sets a login's name. */
export function setUsername(registry: string): string {
  return `pulumi config set --path 'botgarden:${shownPath([REGISTRIES, registry, "username"])}' NAME`;
}

/** The logins as the Docker plugin takes them: Docker Hub under the name of the machine that it asks. */
export function registryAuth(logins: readonly RegistryLogin[]): docker.types.input.ProviderRegistryAuth[] {
  return logins.map(({ registry, ...login }) => ({
    address: registry === "docker.io" ? "registry-1.docker.io" : registry,
    ...login,
  }));
}
