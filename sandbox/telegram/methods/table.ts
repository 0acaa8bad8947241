import { close, getMe, logOut } from "./account.ts";
import type { Method } from "./call.ts";
import { deleteMyCommands, getMyCommands, setMyCommands } from "./commands.ts";
import {
  answerCallbackQuery,
  deleteMessage,
  editMessageText,
  getChat,
  sendChatAction,
  sendMessage,
} from "./messages.ts";
import { getUpdates } from "./updates.ts";
import { deleteWebhook, getWebhookInfo, setWebhook } from "./webhook.ts";

const METHODS: Record<string, Method> = {
  answerCallbackQuery,
  close,
  deleteMessage,
  deleteMyCommands,
  deleteWebhook,
  editMessageText,
  getChat,
  getMe,
  getMyCommands,
  getUpdates,
  getWebhookInfo,
  logOut,
  sendChatAction,
  sendMessage,
  setMyCommands,
  setWebhook,
};

const BY_LOWER_NAME = new Map(
  Object.entries(METHODS).map(([name, run]) => [name.toLowerCase(), { name, run }]),
);

/** Finds a method; Telegram doesn't look at upper and lower case. */
export function findMethod(name: string): { name: string; run: Method } | undefined {
  return BY_LOWER_NAME.get(name.toLowerCase());
}
