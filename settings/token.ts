/** Faults of the secrets that bots read from Pulumi's configuration. No message ever holds a value. */
import { type Fault, faultSentence } from "./fault.ts";
import { secretKey } from "./names.ts";

/** The name of the token among a bot's secrets. */
export const TOKEN_KEY = "token";

/** A bot's id and its secret, as @BotFather gives them. Telegram promises no length; today it is 35. */
const TOKEN = /^\d{6,}:[A-Za-z0-9_-]{30,}$/;

/** What is wrong with a bot's token, as one message without the token, or undefined if its form is right. */
export function checkToken(bot: string, token: string): string | undefined {
  return TOKEN.test(token) ? undefined : lineOf(malformedToken(bot, token));
}

/** The same as a fault. */
export function malformedToken(bot: string, token: string): Fault {
  return {
    ...place(bot, TOKEN_KEY),
    problem: /^\s|\s$/.test(token) ? "has a space or a line's end around it" : "is not a bot's token",
    allowed: 'the bot\'s id, a colon and the secret, like "123456789:AA…"',
    fix: setIt(bot, TOKEN_KEY),
  };
}

/** The fault of a secret (by default the token) that isn't set. */
export function missingSecret(bot: string, key: string = TOKEN_KEY): Fault {
  return { ...place(bot, key), problem: "is missing", fix: setIt(bot, key) };
}

/** The fault of a secret that was set without `--secret` and lies readable in the stack's file. */
export function plainSecret(bot: string, key: string = TOKEN_KEY): Fault {
  const again = key === TOKEN_KEY ? " If the file was shared, let @BotFather revoke the token first." : "";
  return {
    ...place(bot, key),
    problem: "was set without --secret and can be read in the stack's file",
    fix: `${setIt(bot, key)}${again}`,
  };
}

/** `hello:token is missing. Set it with: …` */
export function missingToken(bot: string): string {
  return lineOf(missingSecret(bot));
}

/** The message for a token that was set without `--secret`. */
export function plainToken(bot: string): string {
  return lineOf(plainSecret(bot));
}

function place(bot: string, key: string): { where: string; path: string } {
  return { where: "stack settings", path: secretKey(bot, key) };
}

function setIt(bot: string, key: string): string {
  const value = key === TOKEN_KEY ? "<token from @BotFather>" : "<value>";
  return `Set it with: pulumi config set --secret ${secretKey(bot, key)} ${value}`;
}

function lineOf(fault: Fault): string {
  return `${fault.path} ${faultSentence(fault)}`;
}
