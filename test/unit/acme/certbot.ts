/** certbot and a small web server in containers beside the authority. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker, ProgramError, sandboxLabel } from "../../../sandbox/engine/docker.ts";
import { buildName, ensureImages } from "../../../sandbox/images/ensure.ts";
import { findRecipe } from "../../../sandbox/images/images.ts";
import type { Network } from "../../../sandbox/vps/network.ts";

const references = { certbot: "certbot/certbot:v5.5.0", nginx: "nginx:1.30.4" };

/** How a run of certbot ended. */
export interface Run {
  readonly ok: boolean;
  /** All that it printed. */
  readonly output: string;
}

/** A host of the sandbox's network that serves challenges at port 80, and a certbot that gets certificates for it. */
export class Webroot {
  /** The web server's address. */
  readonly address: string;
  readonly #folder: string;
  readonly #common: readonly string[];
  readonly #image: string;

  private constructor(parts: { address: string; folder: string; common: readonly string[]; image: string }) {
    this.address = parts.address;
    this.#folder = parts.folder;
    this.#common = parts.common;
    this.#image = parts.image;
  }

  /**
   * @param name - the server's name in the network
   * @param authority - PEM that certbot trusts
   */
  static async start(
    { sandboxId, network, name, authority, folder }: WebrootOptions,
    log: (line: string) => void,
  ): Promise<Webroot> {
    // Debian's certbot trusts what it is told by the environment, the original too.
    await ensureImages(Object.values(references), { log });
    const image = async (reference: string): Promise<string> => buildName(findRecipe(reference).recipe, log);
    for (const part of ["web", "state"]) {
      mkdirSync(join(folder, part));
      chmodSync(join(folder, part), 0o755);
    }
    writeFileSync(join(folder, "authority.pem"), authority);
    const common = [
      ...["--label", sandboxLabel(sandboxId), "--network", network.name],
      ...["--volume", `${folder}/web:/web`],
    ];
    const server = await docker([
      ...["run", "--detach", ...common, "--network-alias", name],
      ...["--volume", `${folder}/web:/usr/share/nginx/html:ro`, await image(references.nginx)],
    ]);
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const address = await docker(["inspect", "--format", format, server]);
    return new Webroot({ address, folder, common, image: await image(references.certbot) });
  }

  /** Runs `certbot certonly` with more arguments. */
  async certbot(directory: string, args: readonly string[]): Promise<Run> {
    const volumes = [
      `${this.#folder}/state:/etc/letsencrypt`,
      `${this.#folder}/authority.pem:/authority.pem:ro`,
    ];
    const fixed = ["--non-interactive", "--agree-tos", "--register-unsafely-without-email"];
    try {
      const output = await docker([
        ...["run", "--rm", "--name", `certbot-${randomBytes(4).toString("hex")}`, ...this.#common],
        ...volumes.flatMap((volume) => ["--volume", volume]),
        ...["--env", "REQUESTS_CA_BUNDLE=/authority.pem", this.#image],
        ...["certonly", "--server", directory, ...fixed, "--webroot", "--webroot-path", "/web", ...args],
      ]);
      return { ok: true, output };
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      return { ok: false, output: error.output };
    }
  }

  /** The chain of a certificate that certbot has, as PEM. */
  chain(certificateName: string): string {
    return readFileSync(join(this.#folder, "state/live", certificateName, "fullchain.pem"), "utf8");
  }
}

interface WebrootOptions {
  readonly sandboxId: string;
  readonly network: Network;
  readonly name: string;
  readonly authority: string;
  readonly folder: string;
}
