/** The garden of the releases' tests: bots that write down every update, so that what is lost or mixed up can be counted. */
import { createHash } from "node:crypto";
import { existsSync, globSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import {
  nameRelease,
  plantRecorder,
  type RecorderOptions,
} from "../../../sandbox/bench/releases/recorder.ts";
import { Garden } from "./garden.ts";
import type { Run } from "./run.ts";

/** `released` is what tests release; the other two must notice nothing. */
export const recorders = ["released", "left", "right"] as const;

/** A container of a bot, running or not. */
export interface BotContainer {
  readonly name: string;
  /** Docker's full id. */
  readonly id: string;
  /** The id of its image. */
  readonly image: string;
  /** `created`, `running`, `paused`, `restarting`, `exited` or `dead`. */
  readonly state: string;
  /** `NAME=value` each. */
  readonly environment: readonly string[];
}

/** The garden with three recorders instead of the sample; every file leaves it like this (`planted` again). */
export class ReleasesGarden extends Garden {
  /** Makes sure that exactly the three recorders are there, each with its standard settings, whatever ran before. */
  override async planted(): Promise<this> {
    const keep = recorders.flatMap((name) => [name, `${name}.ts`]);
    for (const entry of readdirSync(join(this.project, "bots"))) {
      if (!keep.includes(entry)) rmSync(join(this.project, "bots", entry), { recursive: true });
    }
    for (const name of recorders) await this.plant(name);
    if (this.#digest() === this.#deployed() && (await this.#allRun())) return this;
    try {
      await this.up();
    } catch (error) {
      // An engine in a container, where three first builds begin at once on two cores. The next run goes on.
      if (!/runc run failed: .*connection reset by peer/.test(String(error))) throw error;
      console.log(
        `the engine could not start a step of a build, so pulumi up is run again: ${String(error)}`,
      );
      await this.up();
    }
    return this;
  }

  /** Writes a recorder's files anew, with the name of the release that it has; a new bot gets a token. `up` is the caller's. */
  async plant(bot: string, options: RecorderOptions = {}): Promise<void> {
    const name = this.#file(bot, "release.txt");
    const release = existsSync(name) ? readFileSync(name, "utf8").trim() : "first";
    rmSync(join(this.project, "bots", bot), { recursive: true, force: true });
    plantRecorder(this.project, bot, { release, ...options });
    if (!this.#settings().includes(`${bot}:token`)) await this.addToken(bot);
  }

  /** A release of a bot that must succeed: its source says another name, and `pulumi up`. */
  async release(bot: string, name: string): Promise<Run> {
    nameRelease(this.project, bot, name);
    return this.up();
  }

  override async up(...args: string[]): Promise<Run> {
    const digest = this.#digest();
    const run = await super.up(...args);
    writeFileSync(this.#deployedFile, digest);
    return run;
  }

  /** All containers of a bot, the newest first. */
  async containersOf(bot: string): Promise<BotContainer[]> {
    const list = `docker ps -aq --filter label=botgarden.bot=${bot}`;
    // One of them may be removed meanwhile.
    const text = await this.onHost(
      `ids=$(${list}); if [ -n "$ids" ]; then docker inspect $ids 2>/dev/null || true; else echo '[]'; fi`,
    );
    const found: {
      Name: string;
      Id: string;
      Image: string;
      State: { Status: string };
      Config: { Env: string[] };
    }[] = JSON.parse(text);
    return found.map(({ Name, Id, Image, State, Config }) => ({
      ...{ name: Name.slice(1), id: Id, image: Image, state: State.Status, environment: Config.Env },
    }));
  }

  /** The container that is the last good release of a bot, as the host remembers it. @throws Error if it isn't there */
  async serving(bot: string): Promise<BotContainer> {
    // In this order: a container is there long before it is the last good release, and goes soon after it was that.
    const containers = await this.containersOf(bot);
    const name = (await this.onHost(`/opt/botgarden/bin/bot-records serving ${bot}`)).trim();
    const found = containers.find((container) => container.name === name);
    if (found === undefined) {
      const others = containers.map((container) => `${container.name} (${container.state})`).join(", ");
      throw new Error(
        `the last good release of ${bot} is "${name}", which is not there; there are: ${others}`,
      );
    }
    return found;
  }

  /** The container that the edge sends a bot's updates to. */
  async routed(bot: string): Promise<string> {
    const folder = "/etc/botgarden/edge/current/routes";
    const text = await this.onHost(`grep -ohE 'server ${bot}-[0-9a-z]+' ${folder}/${bot}.*.conf | sort -u`);
    return text.trim().replaceAll("server ", "");
  }

  /**
   * Everything is as after a good release: each bot has one container, it runs, it is the one that the host remembers
   * and that the edge sends updates to; nothing else is left of the garden's.
   *
   * @param name which release `released` has
   */
  async expectInOrder(name: string): Promise<void> {
    const core = ["botgarden-certbot", "botgarden-edge", "botgarden-postgres"];
    const serving: string[] = [];
    for (const bot of recorders) {
      const container = await this.serving(bot);
      expect(container.state, container.name).toBe("running");
      expect(await this.routed(bot)).toBe(container.name);
      serving.push(container.name);
    }
    const all = (await this.onHost("docker ps --all --format '{{.Names}}'")).trim().split("\n");
    expect(all.sort()).toEqual([...core, ...serving].sort());
    expect(await this.releaseOf("released")).toBe(name);
  }

  /** The name of the release that serves. */
  async releaseOf(bot: string): Promise<string> {
    const { name } = await this.serving(bot);
    return (await this.onHost(`docker exec ${name} cat release.txt`)).trim();
  }

  get #deployedFile(): string {
    return `${this.project}.deployed`;
  }

  #deployed(): string {
    return existsSync(this.#deployedFile) ? readFileSync(this.#deployedFile, "utf8") : "";
  }

  #file(bot: string, name: string): string {
    return join(this.project, "bots", bot, name);
  }

  #settings(): string {
    return readFileSync(join(this.project, "Pulumi.sandbox.yaml"), "utf8");
  }

  /** What is to run, also told apart from the garden of a sandbox that ran before. */
  #digest(): string {
    const hash = createHash("sha256").update(this.state.host.hostKey).update(this.#settings());
    const files = globSync("bots/**/*", { cwd: this.project }).sort();
    for (const file of files) {
      const path = join(this.project, file);
      if (statSync(path).isFile()) hash.update(`\0${file}\0`).update(readFileSync(path));
    }
    return hash.digest("hex");
  }

  async #allRun(): Promise<boolean> {
    const running = (await this.onHost("docker ps --format '{{.Names}}' 2>/dev/null || true")).split("\n");
    const wanted = ["botgarden-edge", "botgarden-postgres", ...recorders.map((name) => `${name}-`)];
    return wanted.every((name) => running.some((line) => line.startsWith(name)));
  }
}
