import type { Bot } from "./bots.ts";
import { chatJson, type Message, type User } from "./chats.ts";
import type { Clock } from "./clock.ts";
import type { PendingUpdate } from "./update-queue.ts";
import type { UpdateType } from "./update-types.ts";

/** The chat of a person of whom a test says nothing. */
export const DEFAULT_CHAT = 1_000_001;

/** How long an update is kept, in milliseconds. */
const UPDATE_LIFE_MS = 24 * 3600 * 1000;

/** Who writes; everything has a default. */
export interface Person {
  id?: number;
  firstName?: string;
  lastName?: string;
  username?: string;
  languageCode?: string;
}

/** What a person sends. */
export interface Letter {
  text: string;
  /** The chat's id; that of a private chat is the person's. @default 1000001 */
  chat?: number;
  from?: Person;
  /**
   * Whether the chat remembers the message, and the counts wait for its answer. Many messages that nobody reads are
   * better forgotten: the state file holds each chat's last ones, and is written again and again. @default true
   */
  kept?: boolean;
}

/** Puts a person's message into the bot's queue. @returns undefined when the bot doesn't take messages */
export function writeMessage(bot: Bot, clock: Clock, letter: Letter): PendingUpdate | undefined {
  const chatId = letter.chat ?? DEFAULT_CHAT;
  const person = user(letter.from ?? {}, chatId);
  const chat = bot.chats.open(chatId, person);
  const command = /^\/[a-z0-9_]+(@\w+)?/i.exec(letter.text)?.[0];
  const message: Message = {
    message_id: bot.chats.takeMessageId(),
    from: person,
    chat: chatJson(chat),
    date: clock.unixTime(),
    text: letter.text,
    ...(command === undefined
      ? {}
      : { entities: [{ offset: 0, length: command.length, type: "bot_command" }] }),
  };
  const { kept = true } = letter;
  const order = { type: "message", payload: { ...message }, lane: `chat ${chatId}` } as const;
  const update = enqueue(bot, clock, { ...order, answerIn: kept ? chatId : undefined });
  if (kept)
    bot.chats.add(chat, { message, byBot: false, ...(update === undefined ? {} : { updateId: update.id }) });
  return update;
}

/**
 * Puts an update of any kind into the bot's queue and wakes its webhook or its getUpdates. Updates of one lane go one
 * after the other. `answerIn` is the chat in which the counts wait for the bot's answer.
 * @returns undefined when the bot's allowed_updates leave it out
 */
export function enqueue(
  bot: Bot,
  clock: Clock,
  {
    type,
    payload,
    lane,
    answerIn,
  }: Pick<PendingUpdate, "type" | "payload" | "lane"> & { answerIn: number | undefined },
): PendingUpdate | undefined {
  if (!bot.allowedUpdates.includes(type)) return undefined;
  const update = bot.queue.push({ type, payload, lane, expiresAt: clock.now() + UPDATE_LIFE_MS });
  bot.chats.mark(update.id);
  bot.stats.sent(update.id, answerIn);
  if (bot.sender !== undefined) bot.sender.push(update);
  else bot.poller?.wake();
  return update;
}

/** The chat in which an update's answer is expected. A button press is answered by other means than a message. */
export function answerChat(type: UpdateType, payload: Record<string, unknown>): number | undefined {
  return type === "message" ? chatIdOf(payload) : undefined;
}

function chatIdOf(message: Record<string, unknown>): number | undefined {
  const { chat } = message;
  return typeof chat === "object" && chat !== null && "id" in chat && typeof chat.id === "number"
    ? chat.id
    : undefined;
}

function user(person: Person, chatId: number): User {
  return {
    id: person.id ?? (chatId > 0 ? chatId : DEFAULT_CHAT),
    is_bot: false,
    first_name: person.firstName ?? "Ada",
    ...(person.lastName === undefined ? {} : { last_name: person.lastName }),
    ...(person.username === undefined ? {} : { username: person.username }),
    language_code: person.languageCode ?? "en",
  };
}
