import type { Fault } from "../settings/fault.ts";
import { shown } from "../settings/shown.ts";
import { readUserFile } from "./user-file.ts";

/** It is sent to the host and kept in the state as a whole. */
const MOST_BYTES = 256_000;

/** Reads the HTML file of `edge.page`. */
export function readPage(
  path: string,
  { where, folder }: { readonly where: string; readonly folder: string },
): { text?: string; faults: readonly Fault[] } {
  const { text, problem } = readUserFile(path, folder, MOST_BYTES);
  if (problem === undefined) return { text, faults: [] };
  return {
    faults: [
      {
        where,
        path: "botgarden:edge.page",
        problem: `names ${shown(path)}, which ${problem}`,
        fix: "The path of an HTML file is relative to the project. Set it with: pulumi config set --path botgarden:edge.page page.html",
      },
    ],
  };
}
