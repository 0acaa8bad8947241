import { randomBytes, randomInt } from "node:crypto";
import { Chats, type User } from "./chats.ts";
import type { WebhookSender } from "./delivery/sender.ts";
import { Stats } from "./stats.ts";
import { UpdateQueue } from "./update-queue.ts";
import { DEFAULT_UPDATE_TYPES, type UpdateType } from "./update-types.ts";

/** A webhook as setWebhook left it. Every setWebhook replaces all of it. */
export interface Webhook {
  url: string;
  /** "" when none was given: then no secret header is sent. */
  secretToken: string;
  maxConnections: number;
  /** The address in use: resolved from the URL's host, or given by the caller. */
  ipAddress: string;
  /** The caller gave the address; it is never resolved again. */
  fixedIpAddress: boolean;
  /** The uploaded certificate(s) in PEM; then nothing else is trusted. */
  certificate?: string;
  /** Unix time of the last failure. */
  lastErrorDate?: number;
  lastErrorMessage?: string;
}

/** A getUpdates call that waits. */
export interface Poller {
  /** Looks into the queue again. */
  wake(): void;
  /** Ends the call with 409. */
  abort(reason: string): void;
}

/** A bot, with everything that a restart must keep and what runs for it. */
export class Bot {
  readonly name: string;
  /** The id and a secret; only `Bots.renewToken` changes it. */
  token: string;
  readonly stats = new Stats();
  queue = new UpdateQueue();
  chats = new Chats();
  allowedUpdates: readonly UpdateType[] = DEFAULT_UPDATE_TYPES;
  webhook: Webhook | undefined;
  /** Command lists by scope and language. */
  commands = new Map<string, unknown>();

  /** Delivers to the webhook; runs as long as one is set. */
  sender: WebhookSender | undefined;
  poller: Poller | undefined;
  /** A setWebhook that is not answered yet; another one ends it with 409. */
  cancelSetWebhook: (() => void) | undefined;
  /** The clock's time (ms) from which setWebhook is taken again, and 409 is answered at once again. */
  nextSetWebhookAt = 0;
  nextConflictAt = 0;
  lastPoll = { offset: Number.NaN, at: Number.NEGATIVE_INFINITY };

  constructor(name: string, token: string) {
    this.name = name;
    this.token = token;
  }

  get id(): number {
    return Number(this.token.slice(0, this.token.indexOf(":")));
  }

  get username(): string {
    const plain = this.name.replaceAll(/[^A-Za-z0-9]+/g, "_");
    return /bot$/i.test(plain) ? plain : `${plain}_bot`;
  }

  /** The bot as getMe shows it. */
  user(): User {
    return { id: this.id, is_bot: true, first_name: this.name, username: this.username };
  }
}

/** All bots by name and by token. */
export class Bots {
  #byToken = new Map<string, Bot>();
  #byName = new Map<string, Bot>();

  /**
   * Adds a bot. The same name again gives the same bot.
   * @param token - `<digits>:<35 characters of A-Za-z0-9_->`; made up when absent.
   * @throws Error when the name has another token already, or the token another name.
   */
  add(name: string, token?: string): Bot {
    const known = this.#byName.get(name);
    if (known !== undefined) {
      if (token === undefined || token === known.token) return known;
      throw new Error(`addBot: there is a bot "${name}" already, with another token; take another name`);
    }
    if (name.trim() === "") throw new Error("addBot: the name must not be empty");
    const used = token ?? newToken();
    if (!/^[1-9]\d{0,15}:[A-Za-z0-9_-]{35}$/.test(used)) {
      throw new Error('addBot: a token is "<digits>:<35 characters of A-Z a-z 0-9 _ ->"');
    }
    const holder = this.#byToken.get(used);
    if (holder !== undefined)
      throw new Error(`addBot: that token belongs to the bot "${holder.name}" already`);
    const bot = new Bot(name, used);
    this.#byName.set(name, bot);
    this.#byToken.set(used, bot);
    return bot;
  }

  /** Gives a bot another token, with the same id; the former one is good for nothing from now on. */
  renewToken(bot: Bot): void {
    this.#byToken.delete(bot.token);
    bot.token = newToken(bot.id);
    this.#byToken.set(bot.token, bot);
  }

  byToken(token: string): Bot | undefined {
    return this.#byToken.get(token);
  }

  /** The bot of that name. @throws Error naming the bots that there are. */
  byName(name: string): Bot {
    const bot = this.#byName.get(name);
    if (bot !== undefined) return bot;
    const names = [...this.#byName.keys()].join(", ");
    throw new Error(
      `there is no bot "${name}"; ${names === "" ? "no bot was added yet" : `there are: ${names}`}`,
    );
  }

  all(): Bot[] {
    return [...this.#byName.values()];
  }

  clear(): void {
    this.#byName.clear();
    this.#byToken.clear();
  }
}

function newToken(id = randomInt(1_000_000_000, 9_999_999_999)): string {
  // 27 random bytes are 36 characters in base64url.
  return `${id}:${randomBytes(27).toString("base64url").slice(0, 35)}`;
}
