/** `npm run pause -- BOT`: a bot is held until `npm run resume -- BOT`, and Telegram keeps its updates. */
import { hold } from "./hold.ts";

export function run(args: string[]): Promise<number> {
  return hold("pause", args, (bot, how) => {
    const what = how === "polling" ? "its container is stopped" : "the edge answers with 503";
    return `${bot} is paused: ${what}, and Telegram keeps its updates for up to a day. It stays so, over releases too, until: npm run resume -- ${bot}`;
  });
}
