/** HTTP pages of a bot's own. */
import * as z from "zod";
import { httpPath } from "./http-path.ts";
import { setting } from "./schema.ts";

/** The first parts of the paths that the edge keeps for itself. */
const KEPT = new Set(["", "webhook", "healthz"]);

const path = httpPath(
  "The public path, which the bot sees unchanged: for `/pay` it gets `/pay` and everything below it. No other bot's path may be the same, above or below it.",
  '"/pay"',
  'a path like "/pay" of letters, digits and - . _ ~ /, not "/" alone, and not the edge\'s own /webhook, /healthz and /.well-known',
)
  .check((context) => {
    if (!KEPT.has(context.value.split("/")[1] ?? "")) return;
    context.issues.push({ code: "custom", message: "is the edge's own", input: context.value });
  })
  .transform((value) => value.replace(/\/$/, ""));

/** A bot's section `pages`. */
export const pagesSchema = z.strictObject({
  path,
  port: setting(z.int().min(1024).max(65535), {
    description: "The port in the bot's container that serves the pages.",
    type: "number",
    allowed: "a whole number from 1024 to 65535",
    example: "8080",
    default: "the webhook's port; 8080 for a bot that polls",
  }).optional(),
});

/** True if both paths are the same, or one is above the other, part by part. */
export function pathsOverlap(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}
