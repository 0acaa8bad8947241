/** What a message may show of a value that a user gave: short, on one line, and never a secret. */

/** What stands in a message in place of a secret. */
export const HIDDEN = "a hidden value";

/** The shape of a bot's token, wherever it turns up (the digits are the bot's id, the rest is the secret). */
const TOKEN_SHAPE = /\d{6,}:[A-Za-z0-9_-]{30,}/;
/** `user:password@host`, but not the `name:tag@sha256:…` of an image. */
const PASSWORD_IN_ADDRESS = /[^\s/@]*:[^\s/@]+@(?!sha256:)/;
const LONGEST = 60;

/** True for text that can't be shown because it looks like a token, a key or an address with a password. */
export function looksSecret(text: string): boolean {
  return TOKEN_SHAPE.test(text) || PASSWORD_IN_ADDRESS.test(text) || text.includes("PRIVATE KEY");
}

/**
 * A value as a message shows it: text in quotes, cut after 60 characters; numbers and booleans as they are;
 * everything else by its kind, because its parts may be secrets.
 */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") return shownText(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "function" ? "a function" : `a ${typeof value}`;
}

function shownText(text: string): string {
  if (looksSecret(text)) return HIDDEN;
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return JSON.stringify(short);
}

/** A path as a user would write it in code: `webhook.port`, `secrets["api key"]`, `allowedUpdates[2]`. */
export function shownPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(String(part)) && String(part).length <= LONGEST) {
      text += text === "" ? String(part) : `.${String(part)}`;
    } else text += `[${shown(String(part))}]`;
  }
  return text;
}

/** The known word nearest to a mistyped one, or undefined if none is near. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const farthest = Math.max(1, Math.floor(word.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= farthest && (best === undefined || distance < best.distance)) {
      best = { word: candidate, distance };
    }
  }
  return best?.word;
}

/** Levenshtein's distance; words of over 64 characters are far from everything. */
function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
