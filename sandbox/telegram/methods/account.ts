import { badRequest, tooManyRequests } from "../errors.ts";
import type { Call } from "./call.ts";

/** getMe. */
export function getMe({ bot }: Call): unknown {
  return {
    ...bot.user(),
    can_join_groups: true,
    can_read_all_group_messages: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
  };
}

/** close: Telegram refuses it in the first ten minutes after a bot server's start, and the stand-in always does. */
export function close(): unknown {
  throw tooManyRequests(600);
}

/** logOut would move the bot to a server of one's own, which the sandbox doesn't have. */
export function logOut(): unknown {
  throw badRequest("logOut is not available in the sandbox");
}
