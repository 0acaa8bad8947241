import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { NetworkSettings } from "../settings/network.ts";
import type { Host } from "./host/host.ts";
import { gardenLabels } from "./labels.ts";

export interface NetworkArgs extends NetworkSettings {
  readonly host: Host;
}

/**
 * The one bridge that the edge, the data services and the bots share, on which bots cannot talk to each other:
 * traffic between containers is off, and a few firewall rules open what the garden needs (design, decision 11).
 * Changing the subnet replaces the network and every container in it.
 */
export class Network extends pulumi.ComponentResource {
  /** The network's name on the host. Known only once its rules are in place. */
  readonly name: pulumi.Output<string>;
  readonly addresses: NetworkSettings["addresses"];
  readonly subnet: string;
  readonly gateway: string;

  constructor(name: string, args: NetworkArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:network:Network", name, {}, options);
    const { host, subnet, ipRange, gateway, addresses } = args;
    const network = new docker.Network(
      name,
      {
        name: "botgarden",
        driver: "bridge",
        ipamConfigs: [{ subnet, ipRange, gateway }],
        options: {
          "com.docker.network.bridge.name": "botgarden0",
          "com.docker.network.bridge.enable_icc": "false",
        },
        labels: gardenLabels("network"),
      },
      { parent: this, provider: host.provider, deleteBeforeReplace: true },
    );
    const rules = host.command(
      `${name}-rules`,
      {
        run: ["network", "apply", subnet, addresses.edge, addresses.postgres, addresses.redis],
        remove: ["network", "remove"],
      },
      { parent: this, dependsOn: [network] },
    );
    this.name = pulumi.all([network.name, rules.id]).apply(([networkName]) => networkName);
    this.addresses = addresses;
    this.subnet = subnet;
    this.gateway = gateway;
    this.registerOutputs({ name: this.name });
  }
}
