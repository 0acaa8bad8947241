/** Which images a project's garden needs: the defaults of its settings, and what its Dockerfiles start from. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseStack } from "../../settings/stack.ts";

/** References as the host will pull them. */
export function gardenImages(project: string): string[] {
  const { images } = parseStack({ host: "local", ip: "203.0.113.1" });
  const bases = globSync("bots/*/Dockerfile", { cwd: project }).flatMap((file) =>
    basesOf(readFileSync(join(project, file), "utf8")),
  );
  return [...new Set([images.nginx, images.postgres, images.certbot, ...bases])];
}

/** What `FROM` names, except a stage of the same file. */
function basesOf(dockerfile: string): string[] {
  const lines = [...dockerfile.matchAll(/^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)];
  const stages = new Set(lines.map(([, , stage]) => stage));
  return lines.map(([, image = ""]) => image).filter((image) => image !== "scratch" && !stages.has(image));
}
