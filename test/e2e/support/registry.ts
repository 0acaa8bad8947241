/** A private registry that the sandbox's host and this machine trust, with images of the small bot. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "../../../sandbox/engine/docker.ts";
import { buildImage, buildName, ensureImages } from "../../../sandbox/images/ensure.ts";
import { findRecipe } from "../../../sandbox/images/images.ts";
import { type PrivateRegistry, startPrivateRegistry } from "../../../sandbox/images/private-registry.ts";
import type { Access } from "../../../sandbox/images/registry-access.ts";
import { ImageStore } from "../../../sandbox/images/store.ts";
import { checkout } from "../../../sandbox/lifecycle/checkout.ts";
import { Garden } from "./garden.ts";
import { runProgram } from "./run.ts";

export const smallBot = join(checkout, "test/e2e/fixtures/small-bot");
const python = "python:3.13-slim";

/** A garden whose `pulumi` trusts a private registry. */
export class GardenWithRegistry extends Garden {
  readonly registry: PrivateRegistry;
  readonly #folder: string;
  readonly #store: ImageStore;
  readonly #built: string[] = [];

  private constructor(registry: PrivateRegistry, folder: string, store: ImageStore) {
    super();
    this.registry = registry;
    this.#folder = folder;
    this.#store = store;
  }

  /** Starts the registry on the sandbox's gateway. */
  static async start(access: Access): Promise<GardenWithRegistry> {
    const { state } = new Garden();
    const folder = mkdtempSync(join(tmpdir(), "botgarden-registry-"));
    const store = new ImageStore(join(folder, "store"));
    const registry = await startPrivateRegistry({ address: state.network.gateway, store, access });
    writeFileSync(join(folder, "authority.pem"), registry.authority);
    const garden = new GardenWithRegistry(registry, folder, store);
    // See "Verify repository client with certificates" in Docker's documentation.
    const trusted = `/etc/docker/certs.d/${registry.name}`;
    await garden.onHost(`mkdir -p ${trusted} && cat >${trusted}/ca.crt`, registry.authority);
    return garden;
  }

  override get environment(): NodeJS.ProcessEnv {
    return { ...super.environment, SSL_CERT_FILE: join(this.#folder, "authority.pem") };
  }

  /** Pushes a release of the small bot as `team/small:TAG`; gives the digest. */
  async push(release: string, tag: string): Promise<string> {
    const { source } = await ensureImages([python], { log: console.log });
    const base = source === "hub" ? python : await buildName(findRecipe(python).recipe, console.log);
    const name = `botgarden/small-bot:${release}`;
    await buildImage({ name, folder: smallBot, base, args: { RELEASE: release } });
    this.#built.push(name);
    const image = await this.#store.take(await docker(["image", "inspect", "--format", "{{.Id}}", name]));
    this.registry.put(`team/small:${tag}`, image);
    return image.digest;
  }

  /** Stores a setting as `pulumi config set --path` does, a secret from stdin. */
  async configure(path: string, value: string, ...options: string[]): Promise<void> {
    const args = ["config", "set", "--path", ...options, path, "--non-interactive"];
    const { code, output } = await runProgram(this.state.toolchain.cli, args, {
      ...{ cwd: this.project, env: this.environment, input: value },
    });
    if (code !== 0) throw new Error(output);
  }

  async end(): Promise<void> {
    await this.registry.stop();
    await this.onHost(`rm -rf /etc/docker/certs.d/${this.registry.name}`);
    if (this.#built.length > 0) await docker(["rmi", "--force", ...this.#built]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
