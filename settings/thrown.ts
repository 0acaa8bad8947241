/** What may be said about something that a bot's own code threw. */
import { HIDDEN, looksSecret } from "./shown.ts";

const LONGEST = 300;

/**
 * The first line of what was thrown, without a stack. Anything can be thrown, also an object that throws when
 * it is read, and a message may hold a secret.
 */
export function reasonOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return "something that is no Error was thrown";
    const message = `${thrown.name}: ${thrown.message}`;
    if (looksSecret(message)) return `${HIDDEN} was thrown`;
    const line = message.split(/[\r\n]+/).find((text) => text.trim() !== "") ?? "";
    const short = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
    return short.replace(/[.:\s]+$/, "");
  } catch {
    return "something that can't be read was thrown";
  }
}

/** The stack of what was thrown, to look for the line in; empty if there is none. */
export function stackOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.stack) : "";
  } catch {
    return "";
  }
}
