/** Breaks settings in random ways. */
import type { Chance } from "./random.ts";

/** Secrets that a message must never show: one by its shape, one by the place where it is put. */
export const CANARY_TOKEN = "8123456789:AAHcanarycanarycanarycanarycanary0";
export const CANARY_TEXT = "canary-hunter2";

const keys = [
  "",
  "name",
  "image",
  "webhook",
  "__proto__",
  "constructor",
  "toString",
  "a.b",
  "\u0000",
  "päth",
  "🌱",
  CANARY_TOKEN,
];

const texts = [
  ...[
    "",
    " ",
    "\n    at fake (file.ts:1:1)",
    "\u0000",
    "\u001b[31mred",
    "🌱",
    "-1",
    "0",
    "65536",
    "1e9",
    "NaN",
    "null",
    "true",
  ],
  ...[
    "256 MB",
    "1 GB",
    "0 MB",
    "30 seconds",
    "root",
    "0",
    "latest",
    "a:1",
    "a:latest",
    "../..",
    "/",
    "/etc",
    "hello;",
  ],
  ...[
    "root@203.0.113.5",
    "local",
    "bots.example.com",
    "203.0.113.5",
    "2001:db8::1",
    "10.0.0.0/16",
    "UTC",
    "{}",
    "[]",
    "{",
  ],
  ...[
    "x".repeat(5000),
    CANARY_TOKEN,
    `https://user:${CANARY_TEXT}@example.com`,
    "$(reboot)",
    "`reboot`",
    "%s%n",
    "postgres",
  ],
];

/** Any value that a file in bots/ could give, however odd. */
export function oddValue(chance: Chance, depth = 0): unknown {
  const plain: (() => unknown)[] = [
    () => chance.pick(texts),
    () => chance.pick(texts),
    () => chance.pick([0, -1, 1, 0.5, 80, 8080, 65536, 2 ** 53, 1e308, Number.NaN, Number.POSITIVE_INFINITY]),
    () => chance.pick([true, false, null, undefined]),
    () => chance.pick([10n, Symbol("odd"), new Date(0), new Map([[1, 2]]), /x/, new Error(CANARY_TOKEN)]),
    () => () => oddValue(chance, depth + 1),
    () => () => {
      throw chance.pick([new Error(CANARY_TOKEN), "text", null, Object.create(null), new Hostile()]);
    },
    () => Promise.resolve(1),
    () => new Hostile(),
    () => cyclic(),
  ];
  if (depth < 3) {
    plain.push(() => Array.from({ length: chance.below(4) }, () => oddValue(chance, depth + 1)));
    plain.push(() =>
      Object.fromEntries(
        Array.from({ length: chance.below(4) }, () => [chance.pick(keys), oddValue(chance, depth + 1)]),
      ),
    );
  }
  return chance.pick(plain)?.();
}

/** An object that throws when it is read. */
class Hostile {
  get image(): never {
    throw new Error(CANARY_TOKEN);
  }
  get message(): never {
    throw new Error(CANARY_TOKEN);
  }
  toString(): never {
    throw new Error(CANARY_TOKEN);
  }
}

function cyclic(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

/** A copy of a tree of objects with one to three of its values or keys changed. */
export function mutate(tree: Record<string, unknown>, chance: Chance): Record<string, unknown> {
  let result = tree;
  for (let count = 1 + chance.below(3); count > 0; count--) result = mutateOnce(result, chance);
  return result;
}

function mutateOnce(tree: Record<string, unknown>, chance: Chance): Record<string, unknown> {
  const key = chance.pick(Object.keys(tree)) ?? "image";
  const value = tree[key];
  if (isPlain(value) && !chance.oneIn(3)) return { ...tree, [key]: mutateOnce(value, chance) };
  switch (chance.below(5)) {
    case 0:
      return Object.fromEntries(Object.entries(tree).filter(([other]) => other !== key));
    case 1:
      return { ...tree, [mistyped(key, chance)]: value };
    case 2:
      return { ...tree, [chance.pick(keys) ?? ""]: oddValue(chance) };
    default:
      return { ...tree, [key]: oddValue(chance) };
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The key with one letter left out. */
function mistyped(key: string, chance: Chance): string {
  const at = chance.below(key.length);
  return key.slice(0, at) + key.slice(at + 1);
}

/** Changes a few characters of a text. */
export function garble(text: string, chance: Chance): string {
  const at = chance.below(text.length + 1);
  const piece =
    chance.pick([...texts.filter((odd) => odd.length < 100), "{", "}", '"', ",", "'", "\\"]) ?? "";
  return text.slice(0, at) + (chance.oneIn(2) ? piece : "") + text.slice(at + chance.below(4));
}
