/** A real host with the garden's scripts, an edge and certbot on it, and an ACME authority beside it. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { installText } from "../../../components/host/scripts.ts";
import { type AcmeOptions, startAcme, stopAcme } from "../../../sandbox/acme/background.ts";
import type { AcmeClient } from "../../../sandbox/acme/client.ts";
import { docker, sandboxLabel } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { ensureImages } from "../../../sandbox/images/ensure.ts";
import { startMirror, stopMirror } from "../../../sandbox/images/serve.ts";
import { createHost, type Host } from "../../../sandbox/vps/host.ts";
import { ensureNetwork, type Network } from "../../../sandbox/vps/network.ts";
import { removeAll } from "../../../sandbox/vps/remove.ts";
import { type Ended, runProgram } from "../../unit/support/processes.ts";

const log = (): void => undefined;

/** What `certificate start` reads, see certificate.sh. */
export interface CertificateRequest {
  readonly server: string;
  readonly email: string | null;
  readonly domains: readonly string[];
  readonly address: string | null;
  readonly keyType: "ecdsa" | "rsa";
  readonly profile: string | null;
  readonly authority: string | null;
}

/** A request for a certificate of `bots.test` to this authority. */
export async function requestTo(acme: AcmeClient): Promise<CertificateRequest> {
  return {
    server: acme.directoryUrl,
    email: null,
    domains: ["bots.test"],
    address: null,
    keyType: "ecdsa",
    profile: null,
    authority: (await acme.roots()).authority,
  };
}

/** What `certificate look` prints. */
export interface Facts {
  readonly source: "placeholder" | "issued" | "given";
  readonly issuer: string;
  readonly names: readonly string[];
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly served: "yes" | "other" | "no";
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
  readonly nextTry: string | null;
}

/** Images that the host can pull. */
export type CertbotImage = "certbot/certbot:v5.5.0" | "certbot/certbot:v2.10.0";

export class CertificateHost {
  readonly sandboxId = `t${randomBytes(4).toString("hex")}`;
  readonly names: readonly string[];
  readonly #authorities: string[] = [];
  #host: Host | undefined;
  #network: Network | undefined;

  /** @param names DNS names of the host: the authority and the host itself find it by them */
  constructor(names: readonly string[]) {
    this.names = names;
  }

  get host(): Host {
    if (this.#host === undefined) throw new Error("the host was not made");
    return this.#host;
  }

  /** From nothing some minutes; with cached images about 30 s. */
  async create(certbot: readonly CertbotImage[]): Promise<void> {
    await ensureDocker({ log });
    const { sandboxId, names } = this;
    const images = await ensureImages(["nginx:1.30.4", ...certbot], { log });
    const network = await ensureNetwork(sandboxId);
    this.#network = network;
    const registryMirror = await startMirror({ sandboxId, address: network.gateway, images, log });
    this.#host = await createHost({ sandboxId, name: "vps", network, log, registryMirror, names });
    await this.run("sh -s", installText());
    await this.run("/opt/botgarden/bin/prepare-host root");
    for (const [name, file] of [
      ["nginx.conf", join(import.meta.dirname, "nginx.conf")],
      ["run-containers", join(import.meta.dirname, "run-containers.sh")],
      ["challenges.conf", join(import.meta.dirname, "../../../components/edge/challenges.conf")],
    ] as const) {
      await this.run(`cat >/root/${name}`, readFileSync(file, "utf8"));
    }
  }

  async remove(): Promise<void> {
    const { sandboxId } = this;
    for (const name of this.#authorities) await stopAcme(sandboxId, { log, name });
    await stopMirror(sandboxId);
    await removeAll(sandboxId, { log });
  }

  async startAuthority(options: Partial<AcmeOptions> = {}): Promise<AcmeClient> {
    if (this.#network === undefined) throw new Error("the host was not made");
    if (!this.#authorities.includes(options.name ?? "acme")) this.#authorities.push(options.name ?? "acme");
    return startAcme({ sandboxId: this.sandboxId, network: this.#network, log, ...options });
  }

  /** Another machine of the network that answers on port 80, found by the name; its address. */
  async startStranger(name: string): Promise<string> {
    const options = ["--network", this.#network?.name ?? "", "--label", sandboxLabel(this.sandboxId)];
    const image = (await docker(["images", "--quiet", "botgarden/nginx-forky"])).split("\n")[0] ?? "";
    const id = await docker(["run", "--detach", "--network-alias", name, ...options, image]);
    return docker(["inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id]);
  }

  /** A command on the host as root; how it ends is no error here. */
  ssh(command: string, input = ""): Promise<Ended> {
    const options = ["BatchMode=yes", "IdentitiesOnly=yes", `UserKnownHostsFile=${this.host.knownHostsFile}`];
    const args = ["-F", "none", "-i", this.host.identityFile, ...options.flatMap((text) => ["-o", text])];
    return runProgram("ssh", [...args, `root@${this.host.address}`, command], { input });
  }

  /** A command on the host that must succeed; what it printed. */
  async run(command: string, input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.ssh(command, input);
    if (code !== 0) throw new Error(`on the host: ${command.slice(0, 200)}: ${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  certificate(args: string, input: object = {}): Promise<Ended> {
    return this.ssh(`/opt/botgarden/bin/certificate ${args}`, JSON.stringify(input));
  }

  /** `certificate start`. */
  async start(id: string, request: CertificateRequest): Promise<void> {
    const { code, stderr } = await this.certificate(`start ${id}`, { request: { id, ...request } });
    if (code !== 0) throw new Error(`certificate start: ${stderr}`);
  }

  /** An edge that serves the certificate of this id. */
  edge(id: string, ports: "open" | "none" = "open"): Promise<string> {
    return this.run(`sh /root/run-containers edge ${id} ${ports}`);
  }

  certbot(image: CertbotImage = "certbot/certbot:v5.5.0"): Promise<string> {
    return this.run(`sh /root/run-containers certbot ${image}`);
  }

  /** `certificate start`, with an edge that serves the certificate and a certbot that can obtain it. */
  async begin(id: string, request: CertificateRequest, image?: CertbotImage): Promise<void> {
    await this.start(id, request);
    await this.edge(id);
    await this.certbot(image);
  }

  obtain(id: string, name: string): Promise<Ended> {
    return this.certificate(`obtain ${id} ${name} 443`);
  }

  async look(id: string, name: string): Promise<Facts> {
    const { code, stdout, stderr } = await this.certificate(`look ${id} ${name} 443`);
    if (code !== 0) throw new Error(`certificate look: ${stderr}`);
    return JSON.parse(stdout) as Facts;
  }

  /** What nginx serves on the host's address. */
  async served(name: string): Promise<string> {
    const sni = /^[\d.]+$/.test(name) ? "-noservername" : `-servername ${name}`;
    const connect = `openssl s_client -connect 127.0.0.1:443 ${sni} </dev/null 2>/dev/null`;
    return (await this.ssh(`${connect} | openssl x509 -noout -serial`)).stdout.trim().replace("serial=", "");
  }

  /** What is in the folders of certificates: paths, modes and where links lead. */
  async folder(path: string): Promise<string[]> {
    return (await this.run(`cd ${path} && find . -mindepth 1 -printf '%P %m %l\\n' | sort`))
      .split("\n")
      .map((line) => line.trim());
  }
}

/** Waits for a condition; the last value or error is told if it never comes. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await delay(300);
  }
}
