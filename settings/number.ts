/** Whole numbers between two limits. */
import * as z from "zod";
import { type About, setting } from "./schema.ts";

type Words = Pick<About, "description" | "example"> & { readonly allowed?: string };
interface Limits {
  readonly from: number;
  readonly to: number;
}

/** A whole number, given as a number. */
export function wholeNumber(limits: Limits, words: Words) {
  return setting(z.int().min(limits.from).max(limits.to), {
    description: words.description,
    example: words.example,
    type: "number",
    allowed: words.allowed ?? `a whole number from ${limits.from} to ${limits.to}`,
  });
}

/** The same, also given as text: Pulumi's configuration keeps every plain value as text. */
export function wholeNumberOrText(limits: Limits, words: Words) {
  return z.preprocess(
    (value) => (typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value),
    wholeNumber(limits, words),
  );
}
