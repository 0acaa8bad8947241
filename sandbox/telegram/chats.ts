/** Messages remembered per chat; older ones are forgotten. */
const REMEMBERED_MESSAGES = 200;

/** Updates of which it is remembered when they came; older ones are forgotten. */
const REMEMBERED_MARKS = 100_000;

/** A person (or a bot) as the Bot API shows one. */
export interface User {
  id: number;
  is_bot: boolean;
  first_name: string;
  last_name?: string;
  username?: string;
  language_code?: string;
}

/** A message, in the parts that the stand-in keeps. */
export interface Message {
  message_id: number;
  date: number;
  edit_date?: number;
  chat: Record<string, unknown>;
  from: User;
  text: string;
  entities?: Record<string, unknown>[];
  reply_markup?: unknown;
  reply_to_message?: Message;
}

/** A message with what the stand-in knows about it. */
export interface StoredMessage {
  message: Message;
  /** True when the bot sent it, false when a person did. */
  byBot: boolean;
  /** The update that carried a person's message. */
  updateId?: number;
}

/** One conversation. */
export interface Chat {
  id: number;
  title?: string;
  person: User;
  messages: StoredMessage[];
}

/** All conversations of one bot. */
export class Chats {
  #chats = new Map<number, Chat>();
  #nextMessageId: number;
  #listeners = new Set<() => void>();
  /** The id that the next message had when an update came. */
  #marks = new Map<number, number>();

  constructor(nextMessageId = 1, chats: readonly Chat[] = []) {
    this.#nextMessageId = nextMessageId;
    for (const chat of chats) this.#chats.set(chat.id, chat);
  }

  get nextMessageId(): number {
    return this.#nextMessageId;
  }

  get(id: number): Chat | undefined {
    return this.#chats.get(id);
  }

  all(): Chat[] {
    return [...this.#chats.values()];
  }

  /** The chat of that id; it begins when the first person writes. */
  open(id: number, person: User): Chat {
    const known = this.#chats.get(id);
    if (known !== undefined) {
      known.person = person;
      return known;
    }
    const chat: Chat = { id, person, messages: [], ...(id < 0 ? { title: `Group ${-id}` } : {}) };
    this.#chats.set(id, chat);
    return chat;
  }

  /** The id of the next message, unique over all chats of the bot. */
  takeMessageId(): number {
    return this.#nextMessageId++;
  }

  /** Keeps a message and wakes those who wait for one. */
  add(chat: Chat, stored: StoredMessage): void {
    chat.messages.push(stored);
    if (chat.messages.length > REMEMBERED_MESSAGES) chat.messages.shift();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back at every new message until released. */
  onMessage(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Remembers that an update came now, so that answers to it can be told from older messages. */
  mark(updateId: number): void {
    this.#marks.set(updateId, this.#nextMessageId);
    if (this.#marks.size <= REMEMBERED_MARKS) return;
    for (const oldest of this.#marks.keys()) {
      this.#marks.delete(oldest);
      break;
    }
  }

  /** The bot's messages in a chat that came after an update; undefined when the update isn't remembered. */
  repliesAfter(chatId: number, updateId: number): Message[] | undefined {
    const messages = this.#chats.get(chatId)?.messages ?? [];
    const carried = messages.find((stored) => stored.updateId === updateId)?.message.message_id;
    const from = this.#marks.get(updateId) ?? carried;
    if (from === undefined) return undefined;
    return messages
      .filter((stored) => stored.byBot && stored.message.message_id >= from)
      .map((s) => s.message);
  }
}

/** The chat as a message shows it. */
export function chatJson(chat: Chat): Record<string, unknown> {
  if (chat.id < 0) {
    const type = chat.id <= -1_000_000_000_000 ? "supergroup" : "group";
    return { id: chat.id, title: chat.title ?? `Group ${-chat.id}`, type };
  }
  const { first_name, last_name, username } = chat.person;
  return {
    id: chat.id,
    first_name,
    ...(last_name === undefined ? {} : { last_name }),
    ...(username === undefined ? {} : { username }),
    type: "private",
  };
}
