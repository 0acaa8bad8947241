/**
 * Where a build's context, Dockerfile and ignore file are, by the rules of docker's command line and of the
 * official plugin.
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { readIgnoreFile } from "./ignore.ts";

/**
 * The patterns of what the context leaves out: from `<Dockerfile>.dockerignore` if there is one, else from
 * `.dockerignore` in the context (pulumi-docker provider/provider.go, `getIgnorePatterns`).
 */
export async function ignorePatterns(dockerfile: string, context: string): Promise<readonly string[]> {
  const own = await textIn(`${dockerfile}.dockerignore`);
  return own === undefined ? patternsIn(context) : readIgnoreFile(own);
}

/** The patterns of `.dockerignore` in the context. */
export async function patternsIn(context: string): Promise<readonly string[]> {
  return readIgnoreFile((await textIn(join(context, ".dockerignore"))) ?? "");
}

async function textIn(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Error(`reading "${path}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A context that exists. `dockerfile` is relative to `folder`; it starts with "../" when it lies outside. */
export interface ContextPaths {
  /** Absolute, symlinks followed. */
  readonly folder: string;
  readonly dockerfile: string;
}

/**
 * Finds the context and the Dockerfile (docker/cli v28.5.2, cli/command/image/build/context.go,
 * `GetContextFromLocalDir`). Both paths are relative to the working directory.
 */
export async function contextPaths(context: string, dockerfile: string): Promise<ContextPaths> {
  const folder = await followed(resolve(context), "unable to evaluate symlinks in context path");
  if (!(await stat(folder)).isDirectory()) {
    throw new Error(`error resolving context: context must be a directory: ${folder}`);
  }
  const file = await followed(resolve(dockerfile), "unable to evaluate symlinks in Dockerfile path");
  return { folder, dockerfile: relative(folder, file) };
}

function followed(path: string, fault: string): Promise<string> {
  return realpath(path).catch((error: Error) =>
    Promise.reject(new Error(`error resolving context: ${fault}: ${error.message}`)),
  );
}
