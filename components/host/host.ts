import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type RegistryLogin, registryAuth } from "../registries.ts";
import { type HostCommandArgs, hostCommand } from "./command.ts";
import { type Connection, type ConnectionSettings, connectionTo } from "./connection.ts";
import { ImageTags } from "./image-tags.ts";
import { digestOf, installText, scriptFolder } from "./scripts.ts";
import { quote } from "./shell.ts";

export interface HostArgs extends ConnectionSettings {
  /** With which images are pulled. Default: none. */
  readonly registries?: readonly RegistryLogin[] | undefined;
}

/**
 * The VPS: the connection to it, the garden's scripts on it, and a Docker engine (installed if there is none).
 *
 * Costs on the host: /opt/botgarden (scripts), /etc/botgarden (configuration), /var/lib/botgarden (dumps); no
 * process of its own.
 */
export class Host extends pulumi.ComponentResource {
  readonly connection: Connection;
  /** The Docker plugin for this host. What uses it waits until Docker is installed. */
  readonly provider: docker.Provider;
  /** Which images tags stand for, asked with the provider's logins. */
  readonly tags: ImageTags;
  /**
   * Never replaced, and deleted only when the whole garden is: the anchor (`deletedWith`) for what must survive
   * `pulumi destroy` but not the removal of one bot.
   */
  readonly ready: command.local.Command;

  constructor(name: string, args: HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:host:Host", name, {}, options);
    this.connection = connectionTo(args);
    const { freshInterpreter, asRoot, user, dockerHost, sshOptions } = this.connection;

    const scripts = new command.local.Command(
      `${name}-scripts`,
      {
        interpreter: [...freshInterpreter],
        create: `${asRoot}sh -s`,
        update: `${asRoot}sh -s`,
        delete: `${asRoot}rm -rf /opt/botgarden /etc/botgarden`,
        stdin: installText(),
        logging: "stderr",
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );

    const prepare = `${asRoot}${scriptFolder}/prepare-host ${quote(user)} # ${digestOf("prepare-host")}`;
    this.ready = new command.local.Command(
      `${name}-ready`,
      {
        interpreter: [...freshInterpreter],
        create: prepare,
        update: prepare,
        logging: "stderr",
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn: [scripts] },
    );

    // The plain address, not an output of the command: design, decision 1.
    const { registries = [] } = args;
    this.provider = new docker.Provider(
      `${name}-docker`,
      {
        host: dockerHost,
        sshOpts: [...sshOptions],
        ...(registries.length === 0 ? {} : { registryAuth: registryAuth(registries) }),
      },
      { parent: this, dependsOn: [this.ready] },
    );
    const names = registries.map(({ registry }) => registry);
    this.tags = new ImageTags(this.provider, names);
    this.registerOutputs({ address: this.connection.label });
  }

  /** A call of one of the garden's scripts on this host; waits until the host is ready. */
  command(name: string, args: HostCommandArgs, options: pulumi.CustomResourceOptions): command.local.Command {
    const waits = options.dependsOn === undefined ? [] : [options.dependsOn].flat();
    return hostCommand(this.connection, name, args, {
      ...options,
      dependsOn: [this.ready, ...(waits as pulumi.Input<pulumi.Resource>[])],
    });
  }
}
