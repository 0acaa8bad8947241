/** Random characters under rules, as random_password and random_string choose them. */
import { randomInt } from "node:crypto";
import type { PropertyMap } from "../framework/values.ts";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMERIC = "0123456789";
/** The special characters when the program doesn't name its own. */
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** Draws a text by the planned state of a password or string: length, allowed classes, minimum of each. */
export function drawText(rules: PropertyMap): string {
  const own = rules.overrideSpecial;
  const special = typeof own === "string" && own !== "" ? own : SPECIAL;
  const classes = [
    { allowed: rules.upper, characters: UPPER, minimum: rules.minUpper },
    { allowed: rules.lower, characters: LOWER, minimum: rules.minLower },
    { allowed: rules.numeric, characters: NUMERIC, minimum: rules.minNumeric },
    { allowed: rules.special, characters: special, minimum: rules.minSpecial },
  ];
  const all = classes.flatMap((one) => (one.allowed === true ? [...one.characters] : []));
  const drawn = classes.flatMap((one) => draw([...one.characters], Number(one.minimum ?? 0)));
  drawn.push(...draw(all, Number(rules.length) - drawn.length));
  return shuffle(drawn).join("");
}

function draw(characters: readonly string[], count: number): string[] {
  return Array.from({ length: Math.max(0, count) }, () => characters[randomInt(characters.length)] ?? "");
}

function shuffle(items: string[]): string[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [items[i], items[j]] = [items[j] ?? "", items[i] ?? ""];
  }
  return items;
}
