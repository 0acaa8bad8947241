/** The `build` of a docker.Image: its defaults, and the digest of its context. */
import { access } from "node:fs/promises";
import { isAbsolute, posix } from "node:path";
import { isMap, isNothing, type PropertyMap, Unknown, type Value } from "../../framework/values.ts";
import { contextDigest } from "../context/digest.ts";

/** Node's names of processors → Go's, which platforms are written in. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** The platform of the operator's machine, which the official plugin builds for unless it is told otherwise. */
export function operatorPlatform(): string {
  return `linux/${ARCHITECTURES[process.arch] ?? process.arch}`;
}

/**
 * The build with its defaults and its context's digest, as Check answers it. Parts that are only known after the
 * deployment stay unknown.
 *
 * @throws Error in the official wording when the Dockerfile can't be opened
 */
export async function completedBuild(
  given: Value | undefined,
): Promise<{ build: Value; guessedPlatform: boolean }> {
  if (!isNothing(given) && !isMap(given)) return { build: given, guessedPlatform: false };
  const build: PropertyMap = { ...given };
  const { context, dockerfile } = pathsOf(given ?? undefined);
  if (!(build.dockerfile instanceof Unknown)) build.dockerfile = dockerfile;
  if (!(build.context instanceof Unknown)) build.context = context;
  if (!(build.dockerfile instanceof Unknown)) {
    await mustOpen(context, dockerfile);
    build.contextDigest = await contextDigest(context, dockerfile);
  }
  const guessedPlatform = isNothing(build.platform);
  if (guessedPlatform) build.platform = operatorPlatform();
  return { build, guessedPlatform };
}

function pathsOf(given: PropertyMap | undefined): { context: string; dockerfile: string } {
  const context = textOr(given?.context, ".");
  return { context, dockerfile: textOr(given?.dockerfile, posix.join(context, "Dockerfile")) };
}

/** An unknown path reads as "", as in the official plugin. */
function textOr(value: Value | undefined, whenAbsent: string): string {
  if (isNothing(value)) return whenAbsent;
  return typeof value === "string" ? value : "";
}

async function mustOpen(context: string, dockerfile: string): Promise<void> {
  if (await exists(dockerfile)) return;
  const reason = `stat ${dockerfile}: no such file or directory`;
  if (isAbsolute(dockerfile)) {
    throw new Error(`expected a relative Dockerfile path; got "${dockerfile}" instead: ${reason}`);
  }
  const inContext = posix.join(context, dockerfile);
  if (await exists(inContext)) {
    throw new Error(
      `could not open dockerfile at relative path "${dockerfile}". Try setting \`dockerfile\` to "${inContext}"`,
    );
  }
  throw new Error(`could not open dockerfile at relative path "${dockerfile}": ${reason}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
