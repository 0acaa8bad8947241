/** Paths of a bot's own HTTP server. */
import * as z from "zod";
import { setting } from "./schema.ts";

// Parts with single slashes between them: there is one way to read a text, so a long wrong one costs no time.
const PART = "[A-Za-z0-9_~-][A-Za-z0-9._~-]*";
const HTTP_PATH = new RegExp(`^/(?:${PART}(?:/${PART})*/?)?$`);

/** The schema of a path. Its characters mean nothing to nginx, a shell or a URL. */
export function httpPath(
  description: string,
  example: string,
  allowed = 'a path from "/" on, of letters, digits and - . _ ~ /',
) {
  return setting(z.string().max(200).regex(HTTP_PATH), { description, example, type: "path", allowed });
}
