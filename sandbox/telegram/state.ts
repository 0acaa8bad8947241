import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Bot, Bots, Webhook } from "./bots.ts";
import { type Chat, Chats } from "./chats.ts";
import { type PendingUpdate, UpdateQueue } from "./update-queue.ts";
import type { UpdateType } from "./update-types.ts";

/** The form of the file; another one is not read. */
const VERSION = 1;

interface SavedBot {
  name: string;
  token: string;
  webhook?: Webhook;
  allowedUpdates: readonly UpdateType[];
  nextUpdateId: number;
  updates: PendingUpdate[];
  nextMessageId: number;
  chats: Chat[];
  commands: [string, unknown][];
  counts: Bot["stats"]["counts"];
}

interface SavedState {
  version: number;
  clockOffsetMs: number;
  bots: SavedBot[];
}

/** What a state file holds. */
export interface LoadedState {
  clockOffsetMs: number;
  bots: SavedBot[];
}

/** Reads a state file. @returns undefined when there is none @throws Error naming the file when it can't be read */
export function loadState(file: string): LoadedState | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const state: SavedState = JSON.parse(text);
    if (state.version !== VERSION) throw new Error(`it has version ${state.version}`);
    return state;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `can't read the Telegram stand-in's state ${file}: ${reason}; delete the file to start anew`,
    );
  }
}

/** Puts saved bots back; their webhooks are not running yet. */
export function restoreBots(bots: Bots, saved: readonly SavedBot[]): void {
  for (const entry of saved) {
    const bot = bots.add(entry.name, entry.token);
    bot.webhook = entry.webhook;
    bot.allowedUpdates = entry.allowedUpdates;
    bot.queue = new UpdateQueue(entry.nextUpdateId, entry.updates);
    bot.chats = new Chats(entry.nextMessageId, entry.chats);
    bot.commands = new Map(entry.commands);
    bot.stats.counts = entry.counts;
  }
}

/** Writes the state, the file replaced whole so that a crash leaves the old or the new one. It holds tokens: mode 0600. */
export function saveState(file: string, bots: Bots, clockOffsetMs: number): void {
  const state: SavedState = { version: VERSION, clockOffsetMs, bots: bots.all().map(savedBot) };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeAtomically(file, JSON.stringify(state));
}

/** Replaces a file whole; only its owner can read it. */
export function writeAtomically(file: string, text: string): void {
  const candidate = `${file}.${process.pid}.new`;
  writeFileSync(candidate, text, { mode: 0o600 });
  renameSync(candidate, file);
}

function savedBot(bot: Bot): SavedBot {
  return {
    name: bot.name,
    token: bot.token,
    ...(bot.webhook === undefined ? {} : { webhook: bot.webhook }),
    allowedUpdates: bot.allowedUpdates,
    nextUpdateId: bot.queue.nextId,
    updates: bot.queue.all(),
    nextMessageId: bot.chats.nextMessageId,
    chats: bot.chats.all(),
    commands: [...bot.commands],
    counts: bot.stats.counts,
  };
}

/** Saves soon after a change, but not at every one of many. */
export class Saver {
  #save: () => void;
  #delayMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param delayMs - real milliseconds that changes are gathered for */
  constructor(save: () => void, delayMs = 500) {
    this.#save = save;
    this.#delayMs = delayMs;
  }

  changed(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), this.#delayMs);
    this.#timer.unref();
  }

  /** Saves now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#save();
  }
}
