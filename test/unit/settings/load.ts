/** Loads files as bots in a Node of their own, because vitest compiles what it imports and Node doesn't. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface Loaded {
  readonly names?: readonly string[];
  readonly message?: string;
}

const loader = fileURLToPath(new URL("loader.ts", import.meta.url));
export const settingsUrl = new URL("../../../settings/", import.meta.url).href;

/** Loads each set of files (name → text; a name that ends with "/" is a folder) as a folder `bots` of its own. */
export async function loadFolders(folders: readonly Record<string, string>[]): Promise<Loaded[]> {
  const root = await mkdtemp(join(tmpdir(), "botgarden-bots-"));
  try {
    const paths = await Promise.all(
      folders.map((files, index) => write(join(root, String(index), "bots"), files)),
    );
    await writeFile(join(root, "package.json"), '{"type":"module"}');
    const { stdout } = await promisify(execFile)(process.execPath, [loader, ...paths]);
    const results = JSON.parse(stdout) as Record<string, Loaded>;
    return paths.map((path) => results[path] ?? {});
  } finally {
    await rm(root, { recursive: true });
  }
}

async function write(directory: string, files: Record<string, string>): Promise<string> {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (name.endsWith("/")) await mkdir(join(directory, name), { recursive: true });
    else await writeFile(join(directory, name), text);
  }
  return directory;
}
