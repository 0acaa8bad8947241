/** A copy of the program, so that tests and measurements can change bots without touching the checkout. */
import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "./checkout.ts";

/** What the program is made of. */
const parts = ["Pulumi.yaml", "package.json", "index.ts", "settings", "components", "operations", "bots"];

/**
 * Copies the program into a folder, which is emptied first; the packages are shared with the checkout.
 *
 * @param from the program to copy: the checkout's, or a copy of it that has changed since
 */
export function copyProject(folder: string, from = checkout): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of parts) cpSync(join(from, name), join(folder, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  return folder;
}
