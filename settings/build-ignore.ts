/** What a build's `.dockerignore` leaves out, and what it must not. */
import { readFile, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import dockerignore from "@balena/dockerignore";
import type { BotImage } from "./bot.ts";
import { shown, shownPath } from "./shown.ts";

/** The patterns of a build's folder. */
export interface IgnoreRules {
  /** True if a path, relative to the folder with slashes, is not sent to the host. */
  readonly leavesOut: (path: string) => boolean;
  /** True if nothing in a folder that is left out is taken back by a later pattern. */
  readonly final: boolean;
}

/** Reads `.dockerignore` of a build's folder. */
export async function ignoreRules(context: string): Promise<IgnoreRules> {
  const text = await readFile(join(context, ".dockerignore"), "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  // The library takes these letters for those of a regular expression; in Docker's patterns they mean themselves.
  const patterns = lines.map((line) =>
    line.replaceAll(/\\.|[+(){}|]/g, (part) => (part.length === 1 ? `\\${part}` : part)),
  );
  const rules = dockerignore.default({ ignorecase: false }).add(patterns);
  return {
    leavesOut: (path) => rules.ignores(path),
    final: !lines.some((line) => line.trim().startsWith("!")),
  };
}

type Build = Extract<BotImage, { kind: "build" }>;

/** A fault of a build's files: the setting within `image`, the problem, and what to do. */
interface BuildFault {
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

/**
 * What the Docker plugin would do wrong in a build with secrets, which goes another way than one without: it leaves
 * out the Dockerfile if the patterns say so, and reads no ignore file of the Dockerfile's own (docker/cli v28.5.2,
 * `TrimBuildFilesFromExcludes`, is given a path from the project there). And a secret's file that is sent with the rest
 * could end in the image.
 */
export async function buildFileFaults({ context, dockerfile, secrets }: Build): Promise<BuildFault[]> {
  if (secrets.length === 0) return [];
  const rules = await ignoreRules(context);
  const isSent = (path: string) => {
    const inside = relative(context, path);
    return !inside.startsWith("../") && !rules.leavesOut(inside);
  };
  const faults: BuildFault[] = [];
  const recipe = relative(context, dockerfile);
  if (!recipe.startsWith("../") && !isSent(dockerfile)) {
    const problem = "is left out by .dockerignore, which a build with secrets can't do with";
    faults.push({ path: "dockerfile", problem, fix: `Add this line at its end: !${recipe}` });
  }
  const own = `${dockerfile}.dockerignore`;
  if (await isFile(own)) {
    const problem = `has ${shown(basename(own))} beside it, which a build with secrets doesn't read`;
    faults.push({ path: "dockerfile", problem, fix: "Rename it to .dockerignore in the build's folder." });
  }
  for (const secret of secrets) {
    if (secret.kind !== "file" || !isSent(secret.path)) continue;
    const problem = "names a file in the build's folder that could end in the image";
    const fix = `Add this line to .dockerignore: ${relative(context, secret.path)}`;
    faults.push({ path: shownPath(["secrets", secret.id, "file"]), problem, fix });
  }
  return faults;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}
