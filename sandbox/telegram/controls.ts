import type { Bot, Bots } from "./bots.ts";
import {
  type BotInfo,
  type BotStats,
  type ChatMessage,
  type ChatRef,
  chatMessage,
  type Injection,
  type TelegramControl,
} from "./control-api.ts";
import type { SenderTools } from "./delivery/sender.ts";
import { Flood, type FloodOrder, type FloodReport } from "./flood.ts";
import { removeWebhook } from "./methods/webhook.ts";
import { NumberedRuns } from "./numbered.ts";
import type { NumberedOrder, NumberedReport, NumberedWindow } from "./numbered-api.ts";
import { answerChat, DEFAULT_CHAT, enqueue, type Person, writeMessage } from "./people.ts";
import { latency, type UpdateRecord } from "./stats.ts";
import { isUpdateType } from "./update-types.ts";

/** How often a waiting `floodReport` looks (real milliseconds). */
const LOOK_EVERY_MS = 20;

/** The control calls, in the process of the stand-in. */
export class Controls implements TelegramControl {
  protected readonly tools: SenderTools;
  readonly #bots: Bots;
  readonly #numbered: NumberedRuns;
  #floods: Flood[] = [];

  constructor(bots: Bots, tools: SenderTools) {
    this.#bots = bots;
    this.tools = tools;
    this.#numbered = new NumberedRuns(bots, tools);
  }

  async addBot({ name, token }: { name: string; token?: string }): Promise<string> {
    const bot = this.#bots.add(name, token);
    this.tools.changed();
    return bot.token;
  }

  async renewToken({ bot: name }: { bot: string }): Promise<string> {
    const bot = this.#bots.byName(name);
    bot.cancelSetWebhook?.();
    // Webhooks belong to a token: the Bot API server keeps them by it, and the new one has none yet.
    removeWebhook(bot);
    this.#bots.renewToken(bot);
    this.tools.changed();
    return bot.token;
  }

  async bots(): Promise<BotInfo[]> {
    return this.#bots.all().map((bot) => ({
      name: bot.name,
      id: bot.id,
      username: bot.username,
      webhook: bot.webhook?.url ?? "",
      hasSecret: (bot.webhook?.secretToken ?? "") !== "",
      polling: bot.poller !== undefined,
    }));
  }

  async send({ bot: name, chat, from, text }: ChatRef & { from?: Person; text: string }): Promise<number> {
    const bot = this.#bots.byName(name);
    if (text.trim() === "") throw new Error("send: the text must not be empty");
    const letter = { text, ...(chat === undefined ? {} : { chat }), ...(from === undefined ? {} : { from }) };
    const update = writeMessage(bot, this.tools.clock, letter);
    if (update === undefined) {
      throw new Error(
        `the bot "${name}" gets no messages: its allowed_updates are ${bot.allowedUpdates.join(", ")}`,
      );
    }
    this.tools.changed();
    return update.id;
  }

  async inject(order: Injection): Promise<number | null> {
    const { type, payload, chat = DEFAULT_CHAT, lane = `${type} ${chat}` } = order;
    if (!isUpdateType(type)) throw new Error(`inject: "${String(type)}" is no type of update`);
    const bot = this.#bots.byName(order.bot);
    const answerIn = answerChat(type, payload);
    const update = enqueue(bot, this.tools.clock, { type, payload, lane, answerIn });
    if (update === undefined) return null;
    this.tools.changed();
    return update.id;
  }

  async waitForReply(order: ChatRef & { afterUpdateId: number; timeoutMs?: number }): Promise<ChatMessage[]> {
    const { bot: name, chat = DEFAULT_CHAT, afterUpdateId, timeoutMs = 30_000 } = order;
    const bot = this.#bots.byName(name);
    if (bot.chats.repliesAfter(chat, afterUpdateId) === undefined) {
      throw new Error(`the bot "${name}" never got an update ${afterUpdateId}, or it is forgotten`);
    }
    const replies = await waitForMessages(bot, chat, afterUpdateId, timeoutMs);
    if (replies.length > 0) return replies;
    throw new Error(
      `no answer of the bot "${name}" in ${timeoutMs / 1000} s: ${diagnosis(bot, afterUpdateId)}`,
    );
  }

  async messages({ bot, chat = DEFAULT_CHAT }: ChatRef): Promise<ChatMessage[]> {
    return (this.#bots.byName(bot).chats.get(chat)?.messages ?? []).map(chatMessage);
  }

  async stats({ bot: name }: { bot: string }): Promise<BotStats> {
    const bot = this.#bots.byName(name);
    const records = bot.stats.records();
    return {
      bot: name,
      ...bot.stats.counts,
      pending: bot.queue.size,
      connections: bot.sender?.connections ?? 0,
      delivery: latency(records.flatMap((record) => record.deliveredMs ?? [])),
      answer: latency(records.flatMap((record) => record.answeredMs ?? [])),
    };
  }

  async updates({ bot, fromId = 0 }: { bot: string; fromId?: number }): Promise<UpdateRecord[]> {
    return this.#bots.byName(bot).stats.records(fromId);
  }

  async flood({ bot, ...order }: FloodOrder & { bot: string }): Promise<number> {
    const flood = new Flood(this.#floods.length, this.#bots.byName(bot), this.tools.clock, order);
    this.#floods.push(flood);
    this.tools.log(`${bot}: flood of ${order.count} updates at ${order.rate}/s begins`);
    return flood.id;
  }

  async floodReport({ id, waitMs = 0 }: { id: number; waitMs?: number }): Promise<FloodReport> {
    const flood = this.#floods[id];
    if (flood === undefined) throw new Error(`there is no flood ${id}`);
    const end = Date.now() + waitMs;
    for (;;) {
      const report = flood.report();
      if (report.done || Date.now() >= end) return report;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async numbered(order: NumberedOrder): Promise<number> {
    return this.#numbered.start(order);
  }

  async numberedStop({ id }: { id: number }): Promise<void> {
    this.#numbered.get(id).stop();
  }

  async numberedReport(order: {
    id: number;
    waitMs?: number;
    windows?: readonly NumberedWindow[];
  }): Promise<NumberedReport> {
    const { id, waitMs = 0, windows = [] } = order;
    const run = this.#numbered.get(id);
    const end = Date.now() + waitMs;
    while (!run.done && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    return run.report(windows);
  }

  async setHosts({ hosts }: { hosts: Record<string, string> }): Promise<void> {
    this.tools.resolver.hosts = { ...hosts };
  }

  async setExtraCa({ file }: { file?: string }): Promise<void> {
    this.tools.trust.setExtraCa(file);
  }

  async advance({ seconds }: { seconds: number }): Promise<void> {
    await this.tools.clock.advance(seconds);
    this.tools.changed();
  }

  async reset({ countsOf }: { countsOf?: string } = {}): Promise<void> {
    if (countsOf === undefined) {
      this.stopAll();
      this.#bots.clear();
    } else this.#bots.byName(countsOf).stats.reset();
    this.tools.changed();
  }

  /** Stops everything that runs for bots; their webhooks stay set. */
  protected stopAll(): void {
    for (const flood of this.#floods) flood.stop();
    this.#numbered.stopAll();
    for (const bot of this.#bots.all()) {
      bot.poller?.abort("terminated by the stand-in's end");
      const { webhook } = bot;
      removeWebhook(bot);
      bot.webhook = webhook;
    }
  }
}

function waitForMessages(
  bot: Bot,
  chat: number,
  afterUpdateId: number,
  timeoutMs: number,
): Promise<ChatMessage[]> {
  const look = (): ChatMessage[] =>
    (bot.chats.repliesAfter(chat, afterUpdateId) ?? []).map((message) =>
      chatMessage({ message, byBot: true }),
    );
  const found = look();
  if (found.length > 0) return Promise.resolve(found);
  return new Promise((resolve) => {
    const finish = (messages: ChatMessage[]): void => {
      clearTimeout(limit);
      release();
      resolve(messages);
    };
    const limit = setTimeout(() => finish([]), timeoutMs);
    const release = bot.chats.onMessage(() => {
      const messages = look();
      if (messages.length > 0) finish(messages);
    });
  });
}

/** Why an answer may be missing, as far as Telegram can know. */
function diagnosis(bot: Bot, updateId: number): string {
  const record = bot.stats.record(updateId);
  const tries = `${record?.attempts ?? 0} ${record?.attempts === 1 ? "try" : "tries"}`;
  if (record?.deliveredMs !== undefined) return "the update was delivered, but the bot sent no message";
  if (bot.webhook === undefined) {
    return bot.poller === undefined
      ? "it has no webhook and doesn't poll"
      : "it polls, but didn't take the update";
  }
  const last = bot.webhook.lastErrorMessage;
  return `the update was not delivered after ${tries}${last === undefined ? "" : `; the last error: ${last}`}`;
}
