import type { SecureContext } from "node:tls";
import type { Bot, Webhook } from "../bots.ts";
import type { Clock, Release } from "../clock.ts";
import { WebhookRefused } from "../errors.ts";
import { type Params, parseParams } from "../params.ts";
import { type PendingUpdate, updateJson } from "../update-queue.ts";
import { checkAddress, parseTarget, type Resolver, type Target } from "./address.ts";
import { Connection, type Reply } from "./connection.ts";
import { Lanes, type LoadedUpdate } from "./lanes.ts";
import { FloodControl, GONE_LIMIT_MS, parseRetryAfter } from "./retry.ts";
import { type Trust, tlsOptions } from "./tls.ts";

/** Without a success for this long, one connection is all there is (milliseconds). */
const ACTIVE_MS = 10_000;

/** How long a resolved address is used (milliseconds); up to a tenth of it is added at random. */
const ADDRESS_CACHE_MS = 30 * 60 * 1000;

/** What a webhook's answer must not call: such answers count as plain success. */
const NOT_CALLABLE = /^(setwebhook|deletewebhook|close|logout|get.*|)$/;

/** What a sender works with. */
export interface SenderTools {
  clock: Clock;
  trust: Trust;
  resolver: Resolver;
  /** A number from 0 up to 1. */
  random: () => number;
  log: (line: string) => void;
  /** Runs a method that a webhook's answer asked for; its result goes nowhere. */
  call: (bot: Bot, method: string, params: Params) => void;
  /** Something changed that a restart must keep. */
  changed: () => void;
}

/**
 * Delivers a bot's updates to its webhook as Telegram does. All decisions are taken in `#loop`, which runs after each
 * event: load, open connections, send, and sleep until the next one is due.
 * Source: tdlib/telegram-bot-api, WebhookActor.
 */
export class WebhookSender {
  readonly #bot: Bot;
  readonly #webhook: Webhook;
  readonly #tools: SenderTools;
  readonly #target: Target;
  readonly #context: SecureContext;
  #backlog: PendingUpdate[];
  #lanes = new Lanes();
  #connections = new Set<Connection>();
  #ready: Connection[] = [];
  #generation = 0;
  #activeFlood = new FloodControl(10, 500);
  #quietFlood = new FloodControl(1, 2000);
  #lastSuccessAt = Number.NEGATIVE_INFINITY;
  #goneSince: number | undefined;
  #cancelWake: Release | undefined;
  #cancelResolve: Release | undefined;
  #stopped = false;

  /** @throws WebhookRefused for a URL, port, address or certificate that Telegram doesn't take */
  constructor(bot: Bot, webhook: Webhook, tools: SenderTools) {
    const target = parseTarget(webhook.url);
    if (target === undefined) throw new WebhookRefused("invalid webhook URL specified");
    if (webhook.fixedIpAddress) checkAddress(webhook.ipAddress);
    this.#bot = bot;
    this.#webhook = webhook;
    this.#tools = tools;
    this.#target = target;
    this.#context = tools.trust.context(webhook.certificate);
    this.#backlog = bot.queue.all();
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Finds the address; then updates flow. @throws WebhookRefused when there is none */
  async start(): Promise<void> {
    if (!this.#webhook.fixedIpAddress) {
      const address = await this.#tools.resolver.resolve(this.#target.host);
      if (this.#stopped) return;
      this.#webhook.ipAddress = address;
      this.#resolveLater();
    }
    this.#loop();
  }

  /** Goes on after a restart: an address from before is used until its next turn to be resolved. */
  resume(): void {
    if (this.#webhook.ipAddress === "") void this.#resolveAgain();
    else if (!this.#webhook.fixedIpAddress) this.#resolveLater();
    this.#loop();
  }

  /** A new update is in the queue. */
  push(update: PendingUpdate): void {
    this.#backlog.push(update);
    this.#loop();
  }

  /** Closes all connections. What was not answered stays in the queue. */
  stop(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    this.#cancelResolve?.();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
  }

  #loop(): void {
    if (this.#stopped) return;
    this.#cancelWake?.();
    this.#load();
    const connectAt = this.#openConnections();
    const sendAt = this.#send();
    const wakeAt = Math.min(connectAt ?? Number.POSITIVE_INFINITY, sendAt ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(wakeAt)) {
      this.#cancelWake = this.#tools.clock.after(wakeAt - this.#tools.clock.now(), () => this.#loop());
    }
  }

  #load(): void {
    const now = this.#tools.clock.now();
    let taken = 0;
    for (const update of this.#backlog) {
      if (this.#lanes.size >= this.#webhook.maxConnections * 2) break;
      taken++;
      if (update.expiresAt < now) this.#giveUp(update.id);
      else this.#lanes.add(update, now);
    }
    this.#backlog.splice(0, taken);
  }

  /** @returns when it wants to open more, if it may not yet */
  #openConnections(): number | undefined {
    const { clock } = this.#tools;
    if (this.#webhook.ipAddress === "") return undefined;
    const now = clock.now();
    const active = this.#lastSuccessAt + ACTIVE_MS >= now;
    const wanted = Math.min(this.#lanes.size, this.#webhook.maxConnections);
    const need = active ? Math.max(1, wanted) : Math.min(1, wanted);
    const flood = active ? this.#activeFlood : this.#quietFlood;
    while (this.#connections.size < need) {
      const allowedAt = flood.allowedAt();
      if (now < allowedAt) return allowedAt;
      flood.add(now);
      this.#connect();
    }
    return undefined;
  }

  #connect(): void {
    const { host, port } = this.#target;
    const webhook = this.#webhook;
    const uploaded = webhook.certificate !== undefined;
    const options = tlsOptions(host, webhook.ipAddress, port, this.#context, uploaded);
    const connection = new Connection(options, this.#tools.clock, this.#generation, {
      reply: (from, reply) => this.#replied(from, reply),
      closed: (from, error) => this.#closed(from, error),
    });
    this.#connections.add(connection);
    this.#ready.push(connection);
    this.#bot.stats.counts.connectionsOpened++;
  }

  /** @returns when the next update is due, if one waits */
  #send(): number | undefined {
    const now = this.#tools.clock.now();
    while (this.#ready.length > 0) {
      const loaded = this.#lanes.take(now);
      if (loaded === undefined) return this.#lanes.nextAt();
      // The connection that rested last is the likeliest to be still open.
      const connection = this.#ready.pop();
      if (connection === undefined) return undefined;
      this.#bot.stats.attempted(loaded.update.id);
      const body = Buffer.from(JSON.stringify(updateJson(loaded.update)));
      connection.post(loaded, this.#target.path, this.#headers(body.length), body);
    }
    return undefined;
  }

  #headers(length: number): Record<string, string> {
    const { hostHeader, authorization } = this.#target;
    const { secretToken } = this.#webhook;
    return {
      Host: hostHeader,
      ...(authorization === undefined ? {} : { Authorization: authorization }),
      ...(secretToken === "" ? {} : { "X-Telegram-Bot-Api-Secret-Token": secretToken }),
      "Content-Type": "application/json",
      "Content-Length": String(length),
      Connection: "keep-alive",
      "Accept-Encoding": "gzip, deflate",
    };
  }

  #replied(connection: Connection, reply: Reply): void {
    const loaded = connection.update;
    connection.update = undefined;
    if (reply.keepAlive && connection.generation === this.#generation) this.#ready.push(connection);
    else {
      this.#connections.delete(connection);
      connection.close();
    }
    if (loaded === undefined) return;
    if (reply.status >= 200 && reply.status <= 299) this.#succeeded(loaded, reply);
    else this.#refused(loaded, reply);
    this.#loop();
  }

  #succeeded(loaded: LoadedUpdate, reply: Reply): void {
    const now = this.#tools.clock.now();
    this.#goneSince = undefined;
    this.#lastSuccessAt = now;
    this.#bot.stats.delivered(loaded.update.id);
    this.#bot.queue.forget(loaded.update.id);
    this.#lanes.finish(loaded, now);
    this.#tools.changed();
    const params = readAnswer(reply);
    const method = params?.text("method").toLowerCase() ?? "";
    if (params !== undefined && !NOT_CALLABLE.test(method)) this.#tools.call(this.#bot, method, params);
  }

  #refused(loaded: LoadedUpdate, reply: Reply): void {
    const now = this.#tools.clock.now();
    const reason = `Wrong response from the webhook: ${reply.status} ${reply.reason}`;
    this.#noteError(reason);
    this.#failed(loaded, reason, parseRetryAfter(reply.retryAfter));
    if (reply.status !== 410) this.#goneSince = undefined;
    else if (this.#goneSince === undefined) this.#goneSince = now;
    else if (now > this.#goneSince + GONE_LIMIT_MS) this.#remove();
  }

  #closed(connection: Connection, error: string | undefined): void {
    this.#connections.delete(connection);
    this.#ready = this.#ready.filter((other) => other !== connection);
    if (error !== undefined) this.#noteError(error);
    if (connection.update !== undefined) {
      this.#failed(connection.update, error ?? "Webhook connection closed", 0);
    }
    this.#loop();
  }

  #failed(loaded: LoadedUpdate, reason: string, retryAfter: number): void {
    const now = this.#tools.clock.now();
    this.#bot.stats.failed(loaded.update.id, reason);
    if (this.#lanes.retry(loaded, now, retryAfter, this.#tools.random)) return;
    this.#giveUp(loaded.update.id);
    this.#lanes.finish(loaded, now);
  }

  #giveUp(updateId: number): void {
    this.#bot.stats.dropped(updateId);
    this.#bot.queue.forget(updateId);
    this.#tools.changed();
  }

  #noteError(message: string): void {
    if (this.#webhook.lastErrorMessage !== message) this.#tools.log(`${this.#bot.name}: ${message}`);
    this.#webhook.lastErrorDate = this.#tools.clock.unixTime();
    this.#webhook.lastErrorMessage = message;
    this.#tools.changed();
  }

  /** 23 hours of nothing but 410: the webhook is gone, its updates stay for getUpdates. */
  #remove(): void {
    this.#tools.log(`${this.#bot.name}: webhook removed after 23 hours of HTTP 410`);
    this.stop();
    this.#bot.webhook = undefined;
    this.#bot.sender = undefined;
    this.#tools.changed();
  }

  #resolveLater(): void {
    const delay = ADDRESS_CACHE_MS * (1 + this.#tools.random() / 10);
    this.#cancelResolve = this.#tools.clock.after(delay, () => void this.#resolveAgain());
  }

  async #resolveAgain(): Promise<void> {
    const release = this.#tools.clock.hold();
    try {
      const address = await this.#tools.resolver.resolve(this.#target.host);
      if (this.#stopped) return;
      if (address !== this.#webhook.ipAddress) {
        this.#webhook.ipAddress = address;
        this.#generation++;
        this.#tools.changed();
      }
    } catch {
      // Telegram goes on with the address that it has.
    } finally {
      release();
    }
    if (this.#stopped) return;
    this.#resolveLater();
    this.#loop();
  }
}

/** The parameters in a webhook's answer; undefined when it holds none that can be read. */
function readAnswer(reply: Reply): Params | undefined {
  if (reply.body.length === 0) return undefined;
  try {
    return parseParams("", reply.contentType, reply.body);
  } catch {
    return undefined;
  }
}
