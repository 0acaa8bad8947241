/** Sizes with their unit, as people write them: `"256 MB"`, `"1 GB"`. */
import * as z from "zod";
import { type About, setting } from "./schema.ts";

/** A size of memory: a number, a space, a unit. 1 MB is 1024 × 1024 bytes, as Docker and PostgreSQL count. */
export type Size = `${number} ${"MB" | "GB"}`;

const PATTERN = /^(\d{1,7}(?:\.\d{1,3})?) ?(MB|GB)$/;
const MEGABYTES = { MB: 1, GB: 1024 } as const;

/** Megabytes of a size like `"256 MB"` or `"1.5 GB"`; undefined if it isn't a size in whole megabytes. */
export function parseMegabytes(text: string): number | undefined {
  const match = PATTERN.exec(text.trim());
  if (match === null) return undefined;
  const megabytes = Number(match[1]) * MEGABYTES[match[2] === "GB" ? "GB" : "MB"];
  return Number.isInteger(megabytes) ? megabytes : undefined;
}

/** The schema of a size between two limits in megabytes; its value is a whole number of megabytes. */
export function megabytes(
  limits: { readonly from: number; readonly to: number },
  about: Pick<About, "description" | "example">,
) {
  const text = setting(z.string(), {
    ...about,
    type: "size",
    allowed: `a size from ${sizeText(limits.from)} to ${sizeText(limits.to)}, written like "256 MB" or "1 GB"`,
  });
  return text.transform((value, context): number => {
    const parsed = parseMegabytes(value);
    if (parsed !== undefined && parsed >= limits.from && parsed <= limits.to) return parsed;
    context.addIssue({ code: "custom", message: problem(parsed, limits.from), input: value });
    return z.NEVER;
  });
}

function problem(parsed: number | undefined, from: number): string {
  if (parsed === undefined) return "is not a size";
  return parsed < from ? "is too small" : "is too big";
}

function sizeText(size: number): string {
  return size % 1024 === 0 ? `${size / 1024} GB` : `${size} MB`;
}
