/** The bots of the edge's tests: they record what the edge lets through, and answer well or badly as they are told. */
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../../sandbox/lifecycle/checkout.ts";
import { Garden } from "./garden.ts";

/** `steady` answers always and has pages; `limited` takes ten updates a second; `broken` does what tests want. */
export const botNames = ["steady", "limited", "broken"] as const;
export type BotName = (typeof botNames)[number];

/** Beyond what all three have. */
const extras: Record<BotName, string> = {
  steady: 'webhook: { path: "/updates" }, pages: { path: "/shop", port: 8081 },',
  limited: 'webhook: { path: "/updates", rateLimit: { perSecond: 10, burst: 20 } },',
  broken: 'webhook: { path: "/updates" },',
};

const definition = (name: BotName) => `
import { defineBot } from "../settings/bot.ts";
export default defineBot({
  image: { build: "./edge-bot" },
  database: false,
  health: { path: "/health", port: 9090, interval: "5 seconds" },
  ${extras[name]}
});
`;

export type Behaviour = "answer" | "hang" | "fail" | "unread" | "slow" | "reset";

/** A request as the bot got it. */
export interface Received {
  readonly port: number;
  /** Method, path and version. */
  readonly line: string;
  /** Names in small letters. */
  readonly headers: readonly (readonly [string, string])[];
  /** Null when the bot did not read it. */
  readonly bodyLength: number | null;
}

export interface BotRecord {
  readonly count: number;
  /** Connections that are open now. */
  readonly open: number;
  /** How many requests carried which secret. */
  readonly secrets: Readonly<Record<string, number>>;
  /** The last 200. */
  readonly requests: readonly Received[];
}

/** A running bot of the edge's tests. A new release of it is another container: ask the garden again. */
export class EdgeBot {
  readonly name: BotName;
  readonly container: string;
  /** What Telegram sends with each update. */
  readonly secret: string;
  readonly #garden: Garden;
  readonly #address: string;

  constructor(garden: Garden, name: BotName, about: { container: string; address: string; secret: string }) {
    this.#garden = garden;
    this.name = name;
    this.container = about.container;
    this.secret = about.secret;
    this.#address = about.address;
  }

  /** The path of its webhook at the edge. */
  get path(): string {
    return `/webhook/${this.name}`;
  }

  async record(): Promise<BotRecord> {
    const record: BotRecord = JSON.parse(await this.#control("record"));
    return record;
  }

  async forget(): Promise<void> {
    await this.#control("forget", "POST");
  }

  async behave(behaviour: Behaviour): Promise<void> {
    await this.#control(`behave/${behaviour}`, "POST");
  }

  /** Asked on the host: no route leads to the control port. */
  #control(path: string, method = "GET"): Promise<string> {
    return this.#garden.onHost(`curl -fsS --max-time 20 -X ${method} http://${this.#address}:9090/${path}`);
  }
}

/** The garden with these three bots instead of the sample. */
export class EdgeGarden extends Garden {
  override async planted(): Promise<this> {
    if (!existsSync(join(this.project, "bots/steady.ts"))) {
      cpSync(join(checkout, "test/e2e/fixtures/edge-bot"), join(this.project, "bots/edge-bot"), {
        recursive: true,
      });
      rmSync(join(this.project, "bots/hello.ts"), { force: true });
      for (const name of botNames) {
        await this.addToken(name);
        writeFileSync(join(this.project, `bots/${name}.ts`), definition(name));
      }
    }
    const running = await this.onHost("docker ps --format '{{.Names}}' 2>/dev/null || true");
    const wanted = ["botgarden-edge", ...botNames.map((name) => `${name}-`)];
    if (!wanted.every((name) => running.split("\n").some((line) => line.startsWith(name)))) await this.up();
    return this;
  }

  /** The present release of a bot. */
  async bot(name: BotName): Promise<EdgeBot> {
    const format =
      "{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}{{range .Config.Env}}{{println}}{{.}}{{end}}";
    const text = await this.onHost(
      `docker inspect -f '${format}' $(docker ps -q --filter label=botgarden.bot=${name})`,
    );
    const [, container, address] = /^\/(\S+) (\S+)/.exec(text) ?? [];
    const secret = /^WEBHOOK_SECRET=(.+)$/m.exec(text)?.[1];
    if (container === undefined || address === undefined || secret === undefined) {
      throw new Error(`bot ${name} does not run`);
    }
    return new EdgeBot(this, name, { container, address, secret });
  }

  /**
   * What `edge route` takes to make a route as that of a bot, under another name and to another container.
   */
  async routeLike(bot: EdgeBot, other: { bot: string; container: string; secret: string }): Promise<string> {
    const files = await this.onHost(
      `cd /etc/botgarden/edge/current/routes && for file in ${bot.name}.*.conf; do ` +
        `jq -Rs --arg name "\${file#${bot.name}.}" '{($name): .}' "$file"; done | jq -s add`,
    );
    const renamed = files.replaceAll(bot.container, other.container).replaceAll(bot.name, other.bot);
    return JSON.stringify({ files: JSON.parse(renamed), secret: other.secret });
  }

  /** Where the edge is. */
  get address(): string {
    return this.state.host.address;
  }
}
