import { readFileSync, statSync } from "node:fs";
import { fullPath } from "../settings/file-path.ts";

/** The text of a file, or why there is none, in words that follow "which". */
export type UserFile =
  | { readonly text: string; readonly problem?: never }
  | { readonly problem: string; readonly text?: never };

/** Reads a file that a setting names: absolute, from `~/`, or relative to the project's folder. */
export function readUserFile(path: string, folder: string, mostBytes: number): UserFile {
  const full = fullPath(path, folder);
  try {
    const status = statSync(full);
    if (!status.isFile()) return { problem: "is not a file" };
    if (status.size > mostBytes) return { problem: `is bigger than ${Math.floor(mostBytes / 1000)} KB` };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(full)) };
  } catch (error) {
    if (error instanceof TypeError) return { problem: "is not UTF-8 text" };
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return { problem: reason === "ENOENT" ? "doesn't exist" : `can't be read (${reason})` };
  }
}
