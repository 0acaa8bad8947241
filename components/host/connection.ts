import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { HostSettings } from "../../settings/host.ts";

/** How the operator's machine reaches the host: the same way for the Docker plugin and for host commands. */
export interface Connection {
  /** Value of `docker.Provider`'s `host`: `ssh://user@address:port` or `unix:///var/run/docker.sock`. */
  readonly dockerHost: string;
  /** Value of `docker.Provider`'s `sshOpts`; empty for the local engine. */
  readonly sshOptions: readonly string[];
  /** Runs a command line on the host: the command line is appended as the last argument. */
  readonly interpreter: readonly string[];
  /**
   * The same without the shared connection. sshd gives a session of a shared connection the groups that the login
   * had when the connection was opened, so what may add the login to the group `docker` must not open it.
   */
  readonly freshInterpreter: readonly string[];
  /** What makes a command run as root: empty for root, `sudo -n ` for others. */
  readonly asRoot: string;
  /** The login on the host. */
  readonly user: string;
  /** For messages: `user@address:port`, or `this machine`. */
  readonly label: string;
}

export interface ConnectionSettings {
  readonly host: HostSettings;
  /** The host's public key, `ssh-ed25519 AAAA…`; without it the operator's own known_hosts decides. */
  readonly hostKey?: string | undefined;
  /** Path of a private key; without it the operator's agent and ssh configuration decide. */
  readonly identityFile?: string | undefined;
}

/**
 * Derives everything that speaks to the host from its one address. Everything in it ends up in the stack's state
 * as an input of resources, so it holds no path of the machine that runs the program: `~` and `%C` are left for
 * ssh to fill in.
 */
export function connectionTo(settings: ConnectionSettings): Connection {
  const { host } = settings;
  if (host.kind === "local") {
    return {
      dockerHost: "unix:///var/run/docker.sock",
      sshOptions: [],
      interpreter: ["/bin/sh", "-c"],
      freshInterpreter: ["/bin/sh", "-c"],
      asRoot: "",
      user: "root",
      label: "this machine",
    };
  }
  const bracketed = host.address.includes(":") ? `[${host.address}]` : host.address;
  const base = [...safety, ...pinnedKey(settings.hostKey), ...identity(settings.identityFile)];
  const destination = ["-T", "-l", host.user, "-p", String(host.port), "--", host.address];
  const fresh = ["ssh", ...base, "-o", "ControlPath=none", ...destination];
  return {
    dockerHost: `ssh://${host.user}@${bracketed}:${host.port}`,
    sshOptions: [...base, ...sharing],
    interpreter: ["ssh", ...base, ...sharing, ...destination],
    freshInterpreter: host.user === "root" ? ["ssh", ...base, ...sharing, ...destination] : fresh,
    asRoot: host.user === "root" ? "" : "sudo -n ",
    user: host.user,
    label: `${host.user}@${bracketed}${host.port === 22 ? "" : `:${host.port}`}`,
  };
}

/** Never ask, never trust an unknown host, notice a dead connection after a minute. */
const safety = [
  "-o",
  "BatchMode=yes",
  "-o",
  "StrictHostKeyChecking=yes",
  "-o",
  "ConnectTimeout=15",
  "-o",
  "ServerAliveInterval=15",
  "-o",
  "ServerAliveCountMax=4",
];

/**
 * One TCP connection for all: the Docker plugin opens an ssh per HTTP connection, and sshd drops bursts
 * (sshd_config(5), MaxStartups 10:30:100). `%C` is a hash of both ends, the login and the port (ssh_config(5)).
 */
const sharing = [
  "-o",
  "ControlMaster=auto",
  "-o",
  "ControlPath=~/.ssh/botgarden-%C",
  "-o",
  "ControlPersist=60",
];

/** KnownHostsCommand (OpenSSH 8.5) pins a key without a file; `%H` is the name ssh looks for. */
function pinnedKey(hostKey: string | undefined): string[] {
  if (hostKey === undefined) return [];
  const [type, key] = hostKey.split(/\s+/);
  return [
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "GlobalKnownHostsFile=/dev/null",
    "-o",
    `KnownHostsCommand=/bin/echo %H ${type} ${key}`,
    "-o",
    `HostKeyAlgorithms=${type === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type}`,
  ];
}

function identity(file: string | undefined): string[] {
  return file === undefined ? [] : ["-i", file, "-o", "IdentitiesOnly=yes"];
}

/** Makes the folder of the shared connection's socket; ssh gives up if it is missing. */
export function prepareConnection(): void {
  mkdirSync(join(homedir(), ".ssh"), { recursive: true, mode: 0o700 });
}
