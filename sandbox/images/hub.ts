/** Whether Docker Hub can be reached from the operator's engine, asked rarely. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../cli/user-error.ts";
import { dockerOrNothing } from "../engine/docker.ts";
import { cacheFolder } from "../engine/paths.ts";

/** How long an answer counts, in milliseconds: a laptop may soon be online again. */
const lifetimes = { yes: 24 * 3600_000, no: 3600_000 };

/**
 * True when images can be pulled from Docker Hub. One small pull, 20 s at most, remembered for a day (an hour
 * when it failed). BOTGARDEN_IMAGES=hub or =debian decides without asking.
 */
export async function dockerHubAnswers(log: (line: string) => void): Promise<boolean> {
  const forced = process.env.BOTGARDEN_IMAGES;
  if (forced === "hub" || forced === "debian") return forced === "hub";
  if (forced)
    throw new UserError(`BOTGARDEN_IMAGES is "${forced}"; it can be "hub" or "debian", or be left away.`);
  const note = join(cacheFolder("images"), "hub.json");
  const remembered = readNote(note);
  if (remembered !== undefined) return remembered;
  log("asking whether Docker Hub can be reached (20 s at most)");
  const answers =
    (await dockerOrNothing(["pull", "--quiet", "hello-world"], { timeout: 20_000 })) !== undefined;
  log(
    answers
      ? "Docker Hub answers: its images are used"
      : "no Docker Hub: images are made from Debian's packages",
  );
  writeFileSync(note, JSON.stringify({ answers, at: Date.now() }));
  return answers;
}

function readNote(path: string): boolean | undefined {
  try {
    const { answers, at } = JSON.parse(readFileSync(path, "utf8")) as { answers: boolean; at: number };
    const age = Date.now() - at;
    return age >= 0 && age < (answers ? lifetimes.yes : lifetimes.no) ? answers : undefined;
  } catch {
    return undefined;
  }
}
