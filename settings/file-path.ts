/** Paths of files on the machine where Pulumi runs. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import { type About, setting } from "./schema.ts";

/** The schema of a path: absolute, from `~/`, or relative. That the file is there is seen when it is read. */
export function filePathSchema(about: Pick<About, "description" | "allowed" | "example">) {
  return setting(z.string().regex(/^(?:~\/|\/|\.{0,2}\/|[\w.])[^\r\n\0]{0,254}$/), {
    ...about,
    type: "path",
  });
}

/** A path in full: one from `~/` in the home folder, a relative one in `folder`. */
export function fullPath(path: string, folder: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(folder, path);
}
