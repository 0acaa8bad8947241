/** Times with their unit, as people write them: `"30 seconds"`, `"5 minutes"`. */
import * as z from "zod";
import { type About, setting } from "./schema.ts";

/** A length of time: a whole number, a space, a unit. */
export type Duration = `${number} ${"second" | "seconds" | "minute" | "minutes" | "hour" | "hours"}`;

const PATTERN = /^(\d{1,7}) ?(second|minute|hour)s?$/;
const SECONDS = new Map([
  ["second", 1],
  ["minute", 60],
  ["hour", 3600],
]);

/** Seconds of a time like `"30 seconds"` or `"5 minutes"`; undefined if it isn't one. */
export function parseSeconds(text: string): number | undefined {
  const match = PATTERN.exec(text.trim());
  const unit = SECONDS.get(match?.[2] ?? "");
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}

/** The schema of a time between two limits in seconds; its value is a whole number of seconds. */
export function seconds(
  limits: { readonly from: number; readonly to: number },
  about: Pick<About, "description" | "example">,
) {
  const text = setting(z.string(), {
    ...about,
    type: "duration",
    allowed: `a time from ${durationText(limits.from)} to ${durationText(limits.to)}, written like "30 seconds" or "5 minutes"`,
  });
  return text.transform((value, context): number => {
    const parsed = parseSeconds(value);
    if (parsed !== undefined && parsed >= limits.from && parsed <= limits.to) return parsed;
    context.addIssue({ code: "custom", message: problem(parsed, limits.from), input: value });
    return z.NEVER;
  });
}

function problem(parsed: number | undefined, from: number): string {
  if (parsed === undefined) return "is not a time";
  return parsed < from ? "is too short" : "is too long";
}

function durationText(length: number): string {
  const [count, unit] =
    length > 0 && length % 3600 === 0
      ? [length / 3600, "hour"]
      : length > 0 && length % 60 === 0
        ? [length / 60, "minute"]
        : [length, "second"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
