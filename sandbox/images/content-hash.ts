/** A hash of a folder's files: names, content and the right to run them. */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** sha256 (hex) over all files below the folder, in the order of their names. */
export async function hashFolder(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const { mode } = await stat(file);
    const content = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    hash.update(`${file.slice(folder.length)}\0${mode & 0o100}\0${content}\n`);
  }
  return hash.digest("hex");
}
