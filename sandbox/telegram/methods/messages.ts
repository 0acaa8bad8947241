import { type Chat, chatJson, type Message, type StoredMessage } from "../chats.ts";
import { badRequest } from "../errors.ts";
import type { Call } from "./call.ts";
import { plainText } from "./text.ts";

/** The longest text of a message, in characters. */
const LONGEST_TEXT = 4096;

/** sendMessage. A chat exists once a person has written in it. */
export function sendMessage(call: Call): unknown {
  const { bot, tools } = call;
  const chat = chatOf(call);
  const text = textOf(call);
  const markup = markupOf(call);
  const repliedTo = replyOf(call, chat);
  const message: Message = {
    message_id: bot.chats.takeMessageId(),
    from: bot.user(),
    chat: chatJson(chat),
    date: tools.clock.unixTime(),
    ...(repliedTo === undefined ? {} : { reply_to_message: repliedTo }),
    text,
    ...(isInlineKeyboard(markup) ? { reply_markup: markup } : {}),
  };
  bot.stats.answered(chat.id);
  bot.chats.add(chat, { message, byBot: true });
  tools.changed();
  return message;
}

/** editMessageText, for the bot's own messages. */
export function editMessageText(call: Call): unknown {
  const { params, tools } = call;
  if (params.text("inline_message_id") !== "") throw badRequest("inline message not found");
  const stored = messageOf(call, "message to edit not found");
  if (!stored.byBot) throw badRequest("message can't be edited");
  const text = textOf(call);
  const markup = markupOf(call);
  const old = stored.message;
  if (old.text === text && JSON.stringify(old.reply_markup) === JSON.stringify(markup)) {
    throw badRequest(
      "message is not modified: specified new message content and reply markup are exactly the same as a current " +
        "content and reply markup of the message",
    );
  }
  old.text = text;
  old.edit_date = tools.clock.unixTime();
  if (isInlineKeyboard(markup)) old.reply_markup = markup;
  else delete old.reply_markup;
  tools.changed();
  return old;
}

/** deleteMessage. */
export function deleteMessage(call: Call): unknown {
  const stored = messageOf(call, "message to delete not found");
  const chat = chatOf(call);
  chat.messages.splice(chat.messages.indexOf(stored), 1);
  call.tools.changed();
  return true;
}

/** sendChatAction. */
export function sendChatAction(call: Call): unknown {
  chatOf(call);
  const actions =
    /^(typing|upload_(photo|video|voice|audio|document|video_note)|record_(video|voice|audio|video_note)|choose_sticker|choose_contact|find_location)$/;
  if (!actions.test(call.params.text("action"))) throw badRequest("wrong parameter action in request");
  return true;
}

/** answerCallbackQuery, for a query of an update that a person caused. */
export function answerCallbackQuery({ params }: Call): unknown {
  if (!/^\d+$/.test(params.text("callback_query_id"))) {
    throw badRequest("query is too old and response timeout expired or query ID is invalid");
  }
  return true;
}

/** getChat. */
export function getChat(call: Call): unknown {
  return { ...chatJson(chatOf(call)), accent_color_id: 0, max_reaction_count: 11 };
}

function chatOf({ bot, params }: Call): Chat {
  const text = params.text("chat_id").trim();
  if (text === "") throw badRequest("chat_id is empty");
  const named = text.startsWith("@")
    ? bot.chats.all().find((c) => `@${c.person.username}` === text)
    : undefined;
  const chat = named ?? (/^-?\d{1,15}$/.test(text) ? bot.chats.get(Number(text)) : undefined);
  if (chat === undefined) throw badRequest("chat not found");
  return chat;
}

function messageOf(call: Call, missing: string): StoredMessage {
  const id = call.params.integer("message_id", 0, 0, 2 ** 31 - 1);
  const stored = chatOf(call).messages.find((entry) => entry.message.message_id === id);
  if (stored === undefined) throw badRequest(missing);
  return stored;
}

function textOf({ params }: Call): string {
  const text = plainText(params.text("text"), params.text("parse_mode")).trim();
  if (text === "") throw badRequest("message text is empty");
  if ([...text].length > LONGEST_TEXT) throw badRequest("message is too long");
  return text;
}

function markupOf({ params }: Call): unknown {
  try {
    return params.json("reply_markup");
  } catch {
    throw badRequest("can't parse reply keyboard markup JSON object");
  }
}

function isInlineKeyboard(markup: unknown): boolean {
  return typeof markup === "object" && markup !== null && "inline_keyboard" in markup;
}

function replyOf(call: Call, chat: Chat): Message | undefined {
  const { params } = call;
  let id = params.integer("reply_to_message_id", 0, 0, 2 ** 31 - 1);
  try {
    const given = params.json("reply_parameters");
    if (typeof given === "object" && given !== null && "message_id" in given) id = Number(given.message_id);
  } catch {
    throw badRequest("can't parse reply parameters JSON object");
  }
  if (id === 0) return undefined;
  const found = chat.messages.find((stored) => stored.message.message_id === id)?.message;
  if (found === undefined) {
    if (params.flag("allow_sending_without_reply")) return undefined;
    throw badRequest("message to be replied not found");
  }
  const { reply_to_message: _, ...message } = found;
  return message;
}
