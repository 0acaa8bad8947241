/** Finds and loads every bot: each file `bots/*.ts`, without `.d.ts` and without names that start with `_`. */
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BotSettings, parseBot } from "./bot.ts";
import { buildFileFaults } from "./build-ignore.ts";
import { type Fault, SettingsError, throwFaults } from "./fault.ts";
import { importFault, importFile } from "./import.ts";
import { nameOfFile, volumeName } from "./names.ts";
import { pathsOverlap } from "./pages.ts";
import { shown } from "./shown.ts";

/**
 * Loads all bots of a folder, sorted by name.
 *
 * @throws SettingsError with all faults of all files
 */
export async function loadBots(directory: string | URL): Promise<BotSettings[]> {
  const folder = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
  const { files, faults } = await findFiles(folder);
  const bots: BotSettings[] = [];
  for (const file of files) {
    try {
      bots.push(await loadBot(folder, file));
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(...error.faults);
    }
  }
  throwFaults([...faults, ...nameFaults(bots), ...volumeFaults(bots), ...pageFaults(bots)]);
  return bots.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function findFiles(folder: string): Promise<{ files: string[]; faults: Fault[] }> {
  const names = await readdir(folder).catch((error: unknown) => {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const fix = "Run pulumi in the project's own folder, which has the folder bots.";
    throw new SettingsError([{ where: folder, path: "", problem: `can't be read (${reason})`, fix }]);
  });
  const candidates = names.filter((name) => !/^[._]/.test(name) && !name.endsWith(".d.ts")).toSorted();
  const faults: Fault[] = candidates
    .filter((name) => /\.(?:[cm]?js|[cm]ts|tsx|jsx)$/.test(name))
    .map((name) => ({
      where: `${basename(folder)}/${name}`,
      path: "",
      problem: "is not read, as bots are .ts files",
      fix: `Rename it to ${shown(name.replace(/\.\w+$/, ".ts"))}, or to start with "_" if it is no bot.`,
    }));
  return { files: candidates.filter((name) => name.endsWith(".ts")), faults };
}

async function loadBot(folder: string, name: string): Promise<BotSettings> {
  const path = join(folder, name);
  const file = `${basename(folder)}/${name}`;
  const loaded = await importFile(pathToFileURL(path)).catch(async (error: unknown) => {
    throw new SettingsError([await importFault(error, file, path)]);
  });
  const bot = parseBot(loaded.default, { file, defaultName: nameOfFile(name), directory: folder });
  throwFaults(await buildFaults(bot, folder));
  return bot;
}

/** A folder or Dockerfile that isn't there would otherwise be found out in the middle of a deployment. */
async function buildFaults(bot: BotSettings, folder: string): Promise<Fault[]> {
  if (bot.image.kind !== "build") return [];
  const { context, dockerfile } = bot.image;
  const shownAs = (path: string): string => shown(`${basename(folder)}/${relative(folder, path)}`);
  const found = await stat(context).catch(() => undefined);
  if (!found?.isDirectory()) {
    const problem = `names a folder that doesn't exist, ${shownAs(context)}`;
    return [{ where: bot.file, path: "image.build", problem, fix: "The path is relative to bots/." }];
  }
  const recipe = await stat(dockerfile).catch(() => undefined);
  if (recipe?.isFile()) {
    const found = await buildFileFaults(bot.image);
    return found.map((fault) => ({ ...fault, where: bot.file, path: `image.${fault.path}` }));
  }
  const problem = `names a file that doesn't exist, ${shownAs(dockerfile)}`;
  return [
    { where: bot.file, path: "image.dockerfile", problem, fix: "The path is relative to image.build." },
  ];
}

function nameFaults(bots: readonly BotSettings[]): Fault[] {
  return [...Map.groupBy(bots, (bot) => bot.name)].flatMap(([name, group]): Fault[] => {
    const [first, ...others] = group;
    if (first === undefined || others.length === 0) return [];
    const files = others.map((bot) => bot.file).join(" and ");
    const problem = `is also the name of the bot in ${files}`;
    return [
      { where: first.file, path: "name", problem, got: shown(name), fix: "Give each bot a name of its own." },
    ];
  });
}

/** The volume `b-c` of bot `a` and the volume `c` of bot `a-b` would be one and the same. */
function volumeFaults(bots: readonly BotSettings[]): Fault[] {
  const owners = new Map<string, BotSettings>();
  const faults: Fault[] = [];
  for (const bot of bots) {
    for (const volume of Object.keys(bot.volumes)) {
      const name = volumeName(bot.name, volume);
      const owner = owners.get(name);
      if (owner !== undefined && owner.name !== bot.name) {
        const problem = `would be the same volume on the host, ${name}, as one of ${owner.file}`;
        faults.push({
          where: bot.file,
          path: `volumes.${volume}`,
          problem,
          fix: "Rename one of the two volumes.",
        });
      }
      owners.set(name, bot);
    }
  }
  return faults;
}

/** A path belongs to one bot, with everything below it. */
function pageFaults(bots: readonly BotSettings[]): Fault[] {
  const faults: Fault[] = [];
  const before: { readonly file: string; readonly path: string }[] = [];
  for (const { file, pages } of bots) {
    if (pages === undefined) continue;
    const other = before.find(({ path }) => pathsOverlap(path, pages.path));
    before.push({ file, path: pages.path });
    if (other === undefined) continue;
    const relation =
      other.path === pages.path ? "is also the path" : `overlaps ${shown(other.path)}, the path`;
    faults.push({
      where: file,
      path: "pages.path",
      problem: `${relation} of the pages of ${other.file}`,
      got: shown(pages.path),
      fix: "Give each bot a path of its own, none below another's.",
    });
  }
  return faults;
}
