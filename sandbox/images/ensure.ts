/** Makes the images that a sandbox needs, or finds them in the cache. */
import { createHash } from "node:crypto";
import { docker } from "../engine/docker.ts";
import { withLock } from "../engine/lock.ts";
import { cacheFolder } from "../engine/paths.ts";
import { ensureBase } from "./base.ts";
import { hashFolder } from "./content-hash.ts";
import { dockerHubAnswers } from "./hub.ts";
import { findRecipe, type Recipe, recipeFolder } from "./images.ts";
import { hasImage } from "./machine.ts";
import type { Shelf } from "./registry.ts";
import { ImageStore, type StoredImage } from "./store.ts";

/** The images of a sandbox. */
export interface ImageSet {
  /** "hub": the host pulls the real ones itself and needs no mirror. "debian": the mirror serves `shelf`. */
  source: "hub" | "debian";
  shelf: Shelf;
}

/** Where the mirror's blobs lie; all checkouts share them. */
export function imageStore(): ImageStore {
  return new ImageStore(cacheFolder("images", "store"));
}

/**
 * Makes sure that the images of these references ("nginx:1.30.4") can be had on a host. Where Docker Hub
 * answers, nothing is done. Else those that aren't cached are made, two at a time (from nothing: a minute or
 * two; cached: no time). Throws a UserError for a reference that can't be made.
 */
export async function ensureImages(
  references: readonly string[],
  { log }: { log: (line: string) => void },
): Promise<ImageSet> {
  if (await dockerHubAnswers(log)) return { source: "hub", shelf: {} };
  const found = references.map((reference) => findRecipe(reference));
  const stored = new Map<Recipe, StoredImage>();
  // The bases load all at once, most of their time is the network's; the builds keep two cores busy.
  const turn = limit(2);
  const makeOne = async ({ recipe, wanted }: (typeof found)[number]): Promise<void> => {
    await ensureBase(recipe.suite, log);
    stored.set(recipe, await turn(() => make(recipe, `${wanted.repository}:${wanted.tag}`, log)));
  };
  await Promise.all([...new Map(found.map((item) => [item.recipe, item])).values()].map(makeOne));
  const shelf: Record<string, StoredImage> = {};
  for (const { recipe, wanted } of found) {
    const image = stored.get(recipe);
    if (!image) continue;
    const plain = recipe.tags.filter((tag) => !tag.includes("*"));
    for (const tag of [...plain, wanted.tag]) shelf[`${recipe.repository}:${tag}`] = image;
  }
  return { source: "debian", shelf };
}

/** The name that the image of a recipe has in the operator's engine; it follows from all that goes into it. */
export async function buildName(recipe: Recipe, log: (line: string) => void): Promise<string> {
  const base = await ensureBase(recipe.suite, log);
  const content = await hashFolder(recipeFolder(recipe));
  const hash = createHash("sha256").update(JSON.stringify([base, recipe.args ?? {}, content]));
  return `botgarden/${recipe.folder}-${recipe.suite}:${hash.digest("hex").slice(0, 12)}`;
}

async function make(recipe: Recipe, wanted: string, log: (line: string) => void): Promise<StoredImage> {
  const base = await ensureBase(recipe.suite, log);
  const name = await buildName(recipe, log);
  return withLock(`image-${recipe.folder}-${recipe.suite}`, log, async () => {
    if (!(await hasImage(name))) {
      log(`making ${wanted.replace("library/", "")} from the packages of Debian ${recipe.suite} (once)`);
      await buildImage({ name, folder: recipeFolder(recipe), base, args: recipe.args ?? {} });
    }
    return imageStore().take(await docker(["image", "inspect", "--format", "{{.Id}}", name]));
  });
}

/** What a Dockerfile of the sandbox is built with. */
export interface Build {
  name: string;
  folder: string;
  base: string;
  args: Readonly<Record<string, string>>;
}

/** Builds with whatever builder the operator's engine has: the Dockerfiles use nothing that is BuildKit's alone. */
export async function buildImage({ name, folder, base, args }: Build): Promise<void> {
  const options = Object.entries({ BASE: base, ...args }).flatMap(([key, value]) => [
    "--build-arg",
    `${key}=${value}`,
  ]);
  await docker(["build", "--quiet", "--force-rm", ...options, "--tag", name, folder]);
}

/** Runs what it is given, never more than `count` at a time. */
function limit(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
