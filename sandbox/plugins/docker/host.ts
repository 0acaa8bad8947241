/**
 * The Docker host that a provider speaks to, and when it is first spoken to.
 *
 * The rules are the official plugin's (pulumi-docker provider/image.go `configureDockerClient`;
 * terraform-provider-docker v4.5.0 internal/provider/config.go `MakeClient`):
 * - over ssh nothing is opened when the provider is configured, so a preview works before the host is up;
 * - an engine on a unix socket must answer at once;
 * - the first operation on a resource pings the engine, and each one after it until one ping has worked.
 */
import { homedir } from "node:os";
import { engineAddress } from "./engine/address.ts";
import { EngineClient } from "./engine/client.ts";
import type { Logins } from "./registry/logins.ts";

const DEFAULT_HOST = "unix:///var/run/docker.sock";

/** What the provider was configured with. */
export interface HostSettings {
  /** `unix://…` or `ssh://…`. Default: $DOCKER_HOST, else the local engine. */
  readonly host?: string;
  /** Further arguments for `ssh`. Default: the words of $DOCKER_SSH_OPTS. */
  readonly sshOpts?: readonly string[];
  /** Don't ping before the first operation. Default: false. */
  readonly disableDockerDaemonCheck?: boolean;
  /** With which images are pulled. Default: none. */
  readonly logins?: Logins;
}

/** One Docker host. */
export class Host {
  /** The client, not pinged: what docker.Image uses. */
  readonly unchecked: EngineClient;
  readonly logins: Logins;
  readonly #address: string;
  readonly #check: boolean;
  #checked: Promise<EngineClient> | undefined;

  constructor(address: string, client: EngineClient, { check, logins }: { check: boolean; logins: Logins }) {
    this.logins = logins;
    this.#address = address;
    this.unchecked = client;
    this.#check = check;
  }

  /**
   * The client, once the engine has answered a ping.
   *
   * @throws Error in the official wording when it doesn't
   */
  async client(): Promise<EngineClient> {
    if (!this.#check) return this.unchecked;
    this.#checked ??= this.#ping();
    try {
      return await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw error;
    }
  }

  async #ping(): Promise<EngineClient> {
    try {
      await this.unchecked.version();
    } catch (error) {
      throw new Error(
        `failed to create Docker client: Error pinging Docker server, please make sure that ${this.#address} is ` +
          `reachable and has a  '_ping' endpoint. Error: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return this.unchecked;
  }
}

/**
 * The host of a configuration.
 *
 * @throws Error in the official wording for an address that can't be used or a local engine that doesn't answer
 */
export async function openHost(settings: HostSettings, environment: NodeJS.ProcessEnv): Promise<Host> {
  const sshOpts =
    settings.sshOpts ?? (environment.DOCKER_SSH_OPTS ?? "").split(/\s+/).filter((word) => word !== "");
  const parts = {
    check: settings.disableDockerDaemonCheck !== true,
    logins: settings.logins ?? new Map<string, never>(),
  };
  const given = settings.host ?? (environment.DOCKER_HOST || undefined);
  for (const address of given === undefined ? defaultAddresses() : [given]) {
    const client = clientOf(address, sshOpts);
    if (address.startsWith("ssh://") || (await answers(client))) return new Host(address, client, parts);
    client.close();
  }
  throw new Error(configureFault("failed to connect to any docker daemon"));
}

/** See "Adminless install on macOS" in Docker Desktop 4.18's notes for the second and third. */
function defaultAddresses(): readonly string[] {
  return [
    DEFAULT_HOST,
    `unix://${homedir()}/.docker/run/docker.sock`,
    `unix://${homedir()}/.docker/desktop/docker.sock`,
  ];
}

function clientOf(address: string, sshOpts: readonly string[]): EngineClient {
  try {
    return new EngineClient(engineAddress(address, sshOpts));
  } catch (error) {
    throw new Error(configureFault(error instanceof Error ? error.message : String(error)));
  }
}

async function answers(client: EngineClient): Promise<boolean> {
  try {
    await client.ping();
    return true;
  } catch {
    return false;
  }
}

function configureFault(reason: string): string {
  return `docker native provider returned an unexpected error from Configure: ${reason}`;
}
