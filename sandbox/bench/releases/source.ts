/** The source of the bot that all contenders release: the recorder, which starts as fast or as slowly as its kind does. */
import { appendFileSync, cpSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../lifecycle/checkout.ts";
import { recorderFolder } from "./recorder.ts";

/** `aiogram`: loads what the bots of the requirements load, and needs their seconds for it. `light`: aiohttp alone. */
export const kinds = ["aiogram", "light"] as const;
export type Kind = (typeof kinds)[number];

/**
 * Puts the source into an empty folder.
 *
 * @returns the folder
 */
export function makeSource(folder: string, kind: Kind): string {
  cpSync(recorderFolder, folder, { recursive: true });
  if (kind === "aiogram") {
    // The same versions as the recorder's own, and more.
    cpSync(join(checkout, "bots/hello/requirements.txt"), join(folder, "requirements.txt"));
    appendFileSync(join(folder, "recorder/__init__.py"), "import aiogram\nimport sqlalchemy.ext.asyncio\n");
  }
  return folder;
}
