import type { StoredMessage } from "./chats.ts";
import type { FloodOrder, FloodReport } from "./flood.ts";
import type { NumberedOrder, NumberedReport, NumberedWindow } from "./numbered-api.ts";
import type { Person } from "./people.ts";
import type { Counts, Latency, UpdateRecord } from "./stats.ts";
import type { UpdateType } from "./update-types.ts";

/** A message of a chat, as tests and people read it. */
export interface ChatMessage {
  messageId: number;
  /** Unix time, on the stand-in's clock. */
  date: number;
  from: "bot" | "person";
  text: string;
  /** An inline keyboard, if the bot sent one. */
  replyMarkup?: unknown;
  /** The update that carried a person's message. */
  updateId?: number;
}

/** The counts of one bot with what is under way. */
export interface BotStats extends Counts {
  bot: string;
  /** Updates that wait. */
  pending: number;
  /** Open connections to the webhook. */
  connections: number;
  /** From sending to the webhook's 2xx (or getUpdates), over the remembered updates; real milliseconds. */
  delivery: Latency;
  /** From sending to the bot's message in that chat. */
  answer: Latency;
}

/** A bot as the control side sees it. */
export interface BotInfo {
  name: string;
  id: number;
  username: string;
  /** "" without a webhook. */
  webhook: string;
  /** Whether deliveries carry a secret; the Bot API itself never tells. */
  hasSecret: boolean;
  polling: boolean;
}

/** A bot that may be named, and the chat; the default chat is that of the default person. */
export interface ChatRef {
  bot: string;
  /** @default 1000001 */
  chat?: number;
}

/** An update of any kind. */
export interface Injection extends ChatRef {
  type: UpdateType;
  payload: Record<string, unknown>;
  /** Updates of one lane are delivered one after the other. @default type and chat */
  lane?: string;
}

/**
 * What a test or a person at the console can do besides the Bot API. The same calls work in the process (`Telegram`)
 * and over HTTP (`TelegramClient`). A failure is an Error with one line.
 */
export interface TelegramControl {
  /** Adds a bot and gives its token; the same name again gives the same token. */
  addBot(order: { name: string; token?: string }): Promise<string>;
  /**
   * A person asks @BotFather for another token (/revoke): the former one is refused from now on, and delivers nothing any
   * more; updates wait for a webhook or a poller of the new one. @returns the new token
   */
  renewToken(order: { bot: string }): Promise<string>;
  bots(): Promise<BotInfo[]>;
  /** A person writes. @returns the update's id */
  send(order: ChatRef & { from?: Person; text: string }): Promise<number>;
  /** Any other update. @returns its id, or null when the bot's allowed_updates leave it out */
  inject(order: Injection): Promise<number | null>;
  /**
   * Waits until the bot has sent a message to the chat after the person's message of that update.
   * @param timeoutMs - real milliseconds. @default 30000
   * @throws Error that says what Telegram knows of the webhook when none came
   */
  waitForReply(order: ChatRef & { afterUpdateId: number; timeoutMs?: number }): Promise<ChatMessage[]>;
  messages(order: ChatRef): Promise<ChatMessage[]>;
  stats(order: { bot: string }): Promise<BotStats>;
  /** The single updates (of the last 100,000), from an id on. */
  updates(order: { bot: string; fromId?: number }): Promise<UpdateRecord[]>;
  /** Sends many numbered updates, in the background. @returns the flood's id */
  flood(order: FloodOrder & { bot: string }): Promise<number>;
  /** How far a flood is; with `waitMs` (real) it waits until it is done, or as long. */
  floodReport(order: { id: number; waitMs?: number }): Promise<FloodReport>;
  /**
   * Sends numbered updates to several bots, in the background, for `seconds` or until `numberedStop`. Their texts are
   * "run <id> update <n>", n from 1 on for each bot and rising in each of its chats. @returns the run's id
   */
  numbered(order: NumberedOrder): Promise<number>;
  /** Ends the sending; what was sent is still delivered. */
  numberedStop(order: { id: number }): Promise<void>;
  /** How a run fares; with `waitMs` (real) it waits until it is done, or as long. */
  numberedReport(order: {
    id: number;
    waitMs?: number;
    windows?: readonly NumberedWindow[];
  }): Promise<NumberedReport>;
  /** Replaces the table of names. Webhooks that are set see it when they resolve again (30 minutes, or setWebhook). */
  setHosts(order: { hosts: Record<string, string> }): Promise<void>;
  /** Trusts another authority (a PEM file) besides the system's, or none. Webhooks take it at their next setWebhook. */
  setExtraCa(order: { file?: string }): Promise<void>;
  /** Moves the stand-in's clock forward. */
  advance(order: { seconds: number }): Promise<void>;
  /** Removes all bots with everything of theirs, or only the counts of one bot. */
  reset(order?: { countsOf?: string }): Promise<void>;
}

/** A stored message in the form of the control side. */
export function chatMessage({ message, byBot, updateId }: StoredMessage): ChatMessage {
  return {
    messageId: message.message_id,
    date: message.date,
    from: byBot ? "bot" : "person",
    text: message.text,
    ...(message.reply_markup === undefined ? {} : { replyMarkup: message.reply_markup }),
    ...(updateId === undefined ? {} : { updateId }),
  };
}
