/** Images for containers that a test starts itself. */
import { docker } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { buildName, ensureImages } from "../../../sandbox/images/ensure.ts";
import { findRecipe } from "../../../sandbox/images/images.ts";

/** The image of a version in the operator's engine: Docker Hub's own, or the sandbox's where that can't be reached. */
export async function imageInEngine(reference: string): Promise<string> {
  const log = () => undefined;
  await ensureDocker({ log });
  const { source } = await ensureImages([reference], { log });
  if (source === "debian") return buildName(findRecipe(reference).recipe, log);
  await docker(["pull", "--quiet", reference]);
  return reference;
}
