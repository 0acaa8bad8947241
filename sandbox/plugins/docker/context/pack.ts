/** The tar of a build context, as it goes to the engine. Owner and group of everything in it are 0. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { tarEnd, tarHeader, tarPadding } from "../engine/tar.ts";
import { type ContextFile, contextFiles } from "./files.ts";
import { IgnoreRules } from "./ignore.ts";
import { contextPaths, ignorePatterns, patternsIn } from "./paths.ts";

/** A context that is ready to be sent. */
export interface PackedContext {
  /** The Dockerfile's path relative to the context, as the official plugin's output `dockerfile` has it. */
  readonly dockerfile: string;
  /** The Dockerfile's path in the tar, for the engine. */
  readonly dockerfileInTar: string;
  readonly tar: AsyncIterable<Buffer>;
}

/**
 * Packs a context.
 *
 * @param context the context's folder, relative to the working directory
 * @param dockerfile the Dockerfile, relative to the working directory; it may lie outside the context
 * @param way as docker.Image, or as RemoteImage: that reads no ignore file of the Dockerfile's own, and looks for the
 *   Dockerfile in the context by its path from the working directory, so that patterns may leave it out
 */
export async function packContext(
  context: string,
  dockerfile: string,
  way: "image" | "remoteImage" = "image",
): Promise<PackedContext> {
  const isImage = way === "image";
  const patterns = await (isImage ? ignorePatterns(dockerfile, context) : patternsIn(context));
  const paths = await contextPaths(context, dockerfile);
  const outside = paths.dockerfile.startsWith("../");
  const needed = isImage ? paths.dockerfile : dockerfile;
  const rules = new IgnoreRules(withBuildFiles(patterns, outside ? undefined : needed));
  if (!outside) {
    const tar = packed(paths.folder, rules);
    return { dockerfile: paths.dockerfile, dockerfileInTar: paths.dockerfile, tar };
  }
  const name = `.dockerfile.${randomBytes(10).toString("hex")}`;
  const extra = await outsideDockerfile(paths.folder, dockerfile, name);
  return { dockerfile: paths.dockerfile, dockerfileInTar: name, tar: packed(paths.folder, rules, extra) };
}

/** The builder needs the Dockerfile and the ignore file even where the patterns leave them out; it drops them. */
function withBuildFiles(patterns: readonly string[], dockerfile: string | undefined): readonly string[] {
  const rules = new IgnoreRules(patterns);
  const needed = [".dockerignore", ...(dockerfile === undefined ? [] : [dockerfile])];
  return [...patterns, ...needed.filter((path) => rules.leavesOut(path)).map((path) => `!${path}`)];
}

/** A Dockerfile from outside travels under a random name, which the ignore file then leaves out of the build. */
async function outsideDockerfile(
  folder: string,
  dockerfile: string,
  name: string,
): Promise<ReadonlyMap<string, Buffer>> {
  const own = await readFile(join(folder, ".dockerignore")).catch(() => Buffer.from(".dockerignore"));
  return new Map([
    [name, await readFile(dockerfile)],
    [".dockerignore", Buffer.concat([own, Buffer.from(`\n${name}\n`)])],
  ]);
}

async function* packed(
  folder: string,
  rules: IgnoreRules,
  extra: ReadonlyMap<string, Buffer> = new Map(),
): AsyncGenerator<Buffer> {
  for await (const file of contextFiles(folder, rules)) {
    if (!extra.has(file.path)) yield* entry(folder, file);
  }
  for (const [name, content] of extra) {
    yield tarHeader({ name, type: "file", mode: 0o600, size: content.length, modified: Date.now() / 1000 });
    yield content;
    yield tarPadding(content.length);
  }
  yield tarEnd();
}

async function* entry(folder: string, { path, stats }: ContextFile): AsyncGenerator<Buffer> {
  const common = { mode: stats.mode & 0o7777, modified: stats.mtimeMs / 1000 };
  if (stats.isDirectory()) {
    yield tarHeader({ ...common, name: `${path}/`, type: "directory", size: 0 });
  } else if (stats.isSymbolicLink()) {
    yield tarHeader({
      ...common,
      name: path,
      type: "symlink",
      size: 0,
      link: await readlink(join(folder, path)),
    });
  } else if (stats.isFile()) {
    yield tarHeader({ ...common, name: path, type: "file", size: stats.size });
    yield* contentOf(join(folder, path), stats.size);
    yield tarPadding(stats.size);
  }
  // Sockets and pipes have no place in an image; docker leaves them out too.
}

async function* contentOf(path: string, size: number): AsyncGenerator<Buffer> {
  let seen = 0;
  if (size > 0) {
    for await (const chunk of createReadStream(path, { end: size - 1 }) as AsyncIterable<Buffer>) {
      seen += chunk.length;
      yield chunk;
    }
  }
  if (seen !== size) throw new Error(`${path} became shorter while the build context was read`);
}
