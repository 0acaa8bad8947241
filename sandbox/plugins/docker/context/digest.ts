/**
 * The digest of a build context, which is how docker.Image notices that a source file has changed. It is the
 * same number as the official plugin's (pulumi-docker provider/provider.go, `hashContext`), so that a state can
 * move between the two.
 *
 * It is the SHA-256 of one record a file: its path, its mode in Go's spelling, the SHA-256 of its content, a zero
 * byte. The Dockerfile comes first, under the name "Dockerfile" and mode 0; folders don't count. Of a symlink
 * the place it leads to counts.
 */
import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { contextFiles } from "./files.ts";
import { cleaned, IgnoreRules } from "./ignore.ts";
import { ignorePatterns } from "./paths.ts";

/**
 * Computes the digest.
 *
 * @param context the context's folder, as the program gave it
 * @param dockerfile the Dockerfile's path, relative to the working directory
 * @throws Error when a file cannot be read, or a symlink leads nowhere
 */
export async function contextDigest(context: string, dockerfile: string): Promise<string> {
  const sum = createHash("sha256");
  const add = (path: string, mode: string, content: Buffer) => {
    sum.update(cleaned(path)).update(mode).update(content).update(Buffer.alloc(1));
  };
  add("Dockerfile", "----------", await contentHash(dockerfile));
  const rules = new IgnoreRules(await ignorePatterns(dockerfile, context));
  for await (const { path, stats } of contextFiles(context, rules)) {
    if (stats.isDirectory()) continue;
    const file = join(context, path);
    if (stats.isSymbolicLink()) add(path, goMode(stats), hashOf(await evaluated(file)));
    else if (stats.isFile()) add(path, goMode(stats), await contentHash(file));
    else add(path, goMode(stats), hashOf(""));
  }
  return sum.digest("hex");
}

async function contentHash(path: string): Promise<Buffer> {
  const sum = createHash("sha256");
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) sum.update(chunk);
  return sum.digest();
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Go's io/fs FileMode.String: special bits as letters, then nine permission letters. */
function goMode(stats: Stats): string {
  const letters = [
    stats.isSymbolicLink() ? "L" : "",
    stats.isBlockDevice() ? "D" : "",
    stats.isCharacterDevice() ? "Dc" : "",
    stats.isFIFO() ? "p" : "",
    stats.isSocket() ? "S" : "",
    (stats.mode & 0o4000) === 0 ? "" : "u",
    (stats.mode & 0o2000) === 0 ? "" : "g",
    (stats.mode & 0o1000) === 0 ? "" : "t",
  ].join("");
  const inGoOrder = [..."dalTLDpSugct?"].filter((letter) => letters.includes(letter)).join("");
  const permissions = [..."rwxrwxrwx"].map((letter, i) => ((stats.mode & (0o400 >> i)) === 0 ? "-" : letter));
  return `${inGoOrder === "" ? "-" : inGoOrder}${permissions.join("")}`;
}

const MAX_LINKS = 255;

/** As Go's filepath.EvalSymlinks: where a path really leads, relative when all links in it are relative. */
async function evaluated(path: string): Promise<string> {
  let done = "";
  let rest = path.split("/");
  let links = 0;
  if (isAbsolute(path)) done = "/";
  while (rest.length > 0) {
    const [part = "", ...others] = rest;
    rest = others;
    if (part === "" || part === ".") continue;
    const next = done === "" ? part : join(done, part);
    if (part === "..") {
      done = next;
      continue;
    }
    const stats = await lstat(next).catch((error: Error) =>
      Promise.reject(new Error(`could not evaluate symlink at ${path}: ${error.message}`)),
    );
    if (!stats.isSymbolicLink()) {
      done = next;
      continue;
    }
    if (++links > MAX_LINKS) throw new Error(`could not evaluate symlink at ${path}: too many links`);
    const target = await readlink(next);
    rest = [...target.split("/"), ...rest];
    if (isAbsolute(target)) done = "/";
    else if (done !== "") done = dirname(next);
  }
  return cleaned(done === "" ? "." : done);
}
