/** `npm run resume -- BOT`: ends `npm run pause -- BOT`. */
import { hold } from "./hold.ts";

export function run(args: string[]): Promise<number> {
  return hold("resume", args, (bot, how) =>
    how === "polling"
      ? `${bot} goes on`
      : `${bot} gets its updates again; what waits at Telegram comes when Telegram tries again, within a minute or so`,
  );
}
