/** Every kind of update that a bot may ask for (core.telegram.org/bots/api#update). */
export const UPDATE_TYPES = [
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "business_connection",
  "business_message",
  "edited_business_message",
  "deleted_business_messages",
  "message_reaction",
  "message_reaction_count",
  "inline_query",
  "chosen_inline_result",
  "callback_query",
  "shipping_query",
  "pre_checkout_query",
  "purchased_paid_media",
  "poll",
  "poll_answer",
  "my_chat_member",
  "chat_member",
  "chat_join_request",
  "chat_boost",
  "removed_chat_boost",
] as const;

/** A kind of update. */
export type UpdateType = (typeof UPDATE_TYPES)[number];

/** What a bot gets that named no kinds (core.telegram.org/bots/api#setwebhook, allowed_updates). */
export const DEFAULT_UPDATE_TYPES: readonly UpdateType[] = UPDATE_TYPES.filter(
  (type) => !["chat_member", "message_reaction", "message_reaction_count"].includes(type),
);

/** Whether a text names a kind of update. */
export function isUpdateType(text: unknown): text is UpdateType {
  return typeof text === "string" && (UPDATE_TYPES as readonly string[]).includes(text);
}

/**
 * Reads `allowed_updates`. Absent or unreadable: undefined, which leaves the bot's list as it is. An empty list: the
 * default. Names that Telegram doesn't know are left out; a list of nothing else changes nothing.
 */
export function parseAllowedUpdates(text: string): readonly UpdateType[] | undefined {
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (value.length === 0) return DEFAULT_UPDATE_TYPES;
  const named = UPDATE_TYPES.filter((type) => value.includes(type));
  return named.length === 0 ? undefined : named;
}

/** Whether a list is the default one; getWebhookInfo names only other lists. */
export function isDefaultUpdateTypes(types: readonly UpdateType[]): boolean {
  return (
    types.length === DEFAULT_UPDATE_TYPES.length && DEFAULT_UPDATE_TYPES.every((type) => types.includes(type))
  );
}
