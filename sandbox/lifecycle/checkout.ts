/** Which sandbox belongs to this checkout: two checkouts on one machine get different names for everything. */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The checkout's folder, without links. */
export const checkout = realpathSync(fileURLToPath(new URL("../..", import.meta.url)));

/** The sandbox of a folder that holds the program: eight digits that no other folder has. */
export function sandboxIdOf(folder: string): string {
  return createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 8);
}
