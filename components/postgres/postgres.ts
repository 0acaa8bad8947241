import { readFileSync } from "node:fs";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { StackSettings } from "../../settings/stack.ts";
import { hardened, memoryLimit, onlyCapabilities } from "../container.ts";
import type { Host } from "../host/host.ts";
import { gardenLabels } from "../labels.ts";
import type { Network } from "../network.ts";
import { privatelySigned } from "../private-authority.ts";
import { tellReplacement } from "../replacement.ts";
import { scramVerifier } from "./scram.ts";

type PostgresSettings = StackSettings["postgres"];

export interface PostgresArgs extends PostgresSettings {
  readonly host: Host;
  readonly network: Network;
  /** The image with its tag; its major version decides where in the volume the data is. */
  readonly image: string;
  readonly timezone: string;
}

/** Where the configuration is, on the host and in the container. */
const folder = "/etc/botgarden/postgres";

/**
 * The one Postgres of the garden. Its data is in the volume `botgarden-postgres`, which survives `pulumi destroy`;
 * the next `up` finds it again.
 *
 * Changing the image, memory or connection settings replaces the container: Postgres is stopped cleanly and the
 * bots reconnect. Costs: the `memory` setting at most, no port unless `loopbackPort` is set.
 */
export class Postgres extends pulumi.ComponentResource {
  /** The container's name, which is its host name on the garden's network and in its certificate. */
  readonly hostName = "botgarden-postgres";
  readonly port = 5432;
  /** Password of the administrator `postgres`. */
  readonly password: pulumi.Output<string>;
  /** What needs a working Postgres depends on this. */
  readonly ready: pulumi.Resource;
  /** Folder on the host with `ca.crt`, the authority of the server's certificate, to be mounted into bots. */
  readonly authorityFolder = `${folder}/ca`;

  constructor(name: string, args: PostgresArgs, options?: pulumi.ComponentResourceOptions) {
    super("botgarden:postgres:Postgres", name, {}, options);
    const { host, network } = args;
    this.password = adminPassword(name, this);

    const configuration = host.command(
      `${name}-configuration`,
      {
        run: ["postgres", "configure", args.image],
        remove: ["postgres", "forget"],
        input: {
          hba: accessRules(network.subnet, network.gateway),
          password: this.password,
          ...serverCertificate(name, this.hostName, this),
        },
      },
      { parent: this, dependsOn: [pullImage(name, args.image, host, this)] },
    );

    const volume = new docker.Volume(
      `${name}-data`,
      { name: "botgarden-postgres" },
      { parent: this, provider: host.provider, retainOnDelete: true },
    );

    const changeable = {
      image: args.image,
      command: ["postgres", ...serverOptions(args)],
      envs: [
        "POSTGRES_PASSWORD_FILE=/etc/botgarden/postgres/password",
        "POSTGRES_INITDB_ARGS=--data-checksums --auth-local=peer --auth-host=scram-sha-256",
        `PGDATA=${dataFolder(args.image)}`,
        `TZ=${args.timezone}`,
      ],
      ...(args.loopbackPort === undefined
        ? {}
        : { ports: [{ internal: this.port, external: args.loopbackPort, ip: "127.0.0.1" }] }),
    };
    void tellReplacement(
      name,
      changeable,
      "it is stopped cleanly and starts again; for some seconds every bot is without its database and has to connect anew. Telegram sends again what a bot could not handle.",
    );
    const container = new docker.Container(
      name,
      {
        ...hardened,
        ...memoryLimit(args.memory),
        ...changeable,
        name: this.hostName,
        hostname: this.hostName,
        // The image's entry point starts as root, takes over the volume and steps down to postgres.
        capabilities: onlyCapabilities("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"),
        networksAdvanced: [{ name: network.name, ipv4Address: network.addresses.postgres }],
        volumes: [
          { volumeName: volume.name, containerPath: "/var/lib/postgresql" },
          { hostPath: folder, containerPath: folder, readOnly: true },
        ],
        healthcheck: {
          tests: ["CMD", "pg_isready", "-qh", "127.0.0.1", "-U", "postgres"],
          interval: "10s",
          timeout: "5s",
          retries: 3,
          startPeriod: "1m0s",
        },
        shmSize: 128,
        // Without it the plugin kills the container at once.
        destroyGraceSeconds: 60,
        labels: gardenLabels("postgres"),
      },
      {
        parent: this,
        provider: host.provider,
        dependsOn: [configuration],
        deleteBeforeReplace: true,
        replaceOnChanges: ["healthcheck"],
      },
    );

    this.ready = host.command(
      `${name}-settle`,
      {
        // The name is an argument so that a replaced container is settled anew.
        run: ["postgres", "settle", container.id.apply((id) => id.slice(0, 12))],
        input: { verifier: this.password.apply((password) => scramVerifier("postgres", password)) },
      },
      { parent: this, dependsOn: [container, configuration] },
    );
    this.registerOutputs({ hostName: this.hostName, port: this.port });
  }
}

function adminPassword(name: string, parent: pulumi.Resource): pulumi.Output<string> {
  return new random.RandomPassword(`${name}-password`, { length: 32, special: false }, { parent }).result;
}

function pullImage(name: string, image: string, host: Host, parent: pulumi.Resource): docker.RemoteImage {
  return new docker.RemoteImage(
    `${name}-image`,
    { name: image, keepLocally: true },
    { parent, provider: host.provider },
  );
}

function accessRules(subnet: string, gateway: string): string {
  const text = readFileSync(new URL("pg_hba.conf", import.meta.url), "utf8");
  return text.replaceAll("{{subnet}}", subnet).replaceAll("{{gateway}}", gateway);
}

/** The settings that differ from PostgreSQL's own defaults; each is the parameter of that name. */
function serverOptions(args: PostgresSettings): string[] {
  const parameters: Record<string, string | number> = {
    max_connections: args.maxConnections,
    shared_buffers: `${args.sharedBuffers}MB`,
    hba_file: `${folder}/pg_hba.conf`,
    ssl: "on",
    ssl_ca_file: `${folder}/ca.crt`,
    ssl_cert_file: `${folder}/server.crt`,
    ssl_key_file: `${folder}/server.key`,
    ssl_min_protocol_version: "TLSv1.2",
    password_encryption: "scram-sha-256",
    // Bots' queries are short: compiling them costs more than it saves.
    jit: "off",
  };
  return Object.entries(parameters).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
}

/** The layout of the postgres:18 image, which older images accept through PGDATA (docker-library/postgres#1259). */
function dataFolder(image: string): string {
  // Neither a registry's port nor a digest is a version: a wrong one would start an empty cluster.
  const major = /:(\d+)[^/]*$/.exec(image.replace(/@.*$/, ""))?.[1] ?? "18";
  return `/var/lib/postgresql/${major}/docker`;
}

/** A private authority and a certificate for the server's name on the garden's network. */
function serverCertificate(name: string, hostName: string, parent: pulumi.Resource) {
  const { authority, certificate, key } = privatelySigned(
    name,
    {
      authority: { commonName: "botgarden Postgres authority", renewedInLast: 1 },
      request: { subject: { commonName: hostName }, dnsNames: [hostName, "localhost"] },
      certificate: { name: `${name}-certificate`, years: 10, renewedInLast: 1 },
    },
    parent,
  );
  return { ca: authority, certificate, key };
}
