/**
 * The container images that the sandbox can make itself where Docker Hub can't be reached. The tag is the one
 * that was asked for; the content is Debian's nearest version, told in each line.
 */
import { join } from "node:path";
import { UserError } from "../cli/user-error.ts";
import type { Suite } from "./base.ts";

/** How one image is made. To add a tag: add it to a line's `tags`, or a line of its own. */
export interface Recipe {
  /** The name as Docker Hub's API knows it: official images are in "library". */
  repository: string;
  /** Tags that are the same image; `*` stands for anything. Those without a star are always served. */
  tags: readonly string[];
  /** The folder with the Dockerfile, beside this file. */
  folder: string;
  /** The Debian whose packages it is made from. */
  suite: Suite;
  /** Arguments of the Dockerfile. */
  args?: Readonly<Record<string, string>>;
}

const postgres = (major: string, data: string, volume: string): Record<string, string> => ({
  MAJOR: major,
  DATA: data,
  VOLUME_PATH: volume,
});
const oldData = "/var/lib/postgresql/data";

/** The first line that fits counts. */
export const recipes: readonly Recipe[] = [
  // forky: 1.30.6
  {
    repository: "library/nginx",
    tags: ["1.30.4", "1.30", "1.30.*", "stable", "latest", "1.29*", "1.28*"],
    folder: "nginx",
    suite: "forky",
  },
  // trixie: 1.26.3, which knows no `server … resolve` yet, like the wanted ones
  {
    repository: "library/nginx",
    tags: ["1.25", "1.25.*", "1.26", "1.26.*"],
    folder: "nginx",
    suite: "trixie",
  },
  // forky: 18.6
  {
    repository: "library/postgres",
    tags: ["18", "18.6", "18.*", "latest", "18-trixie"],
    folder: "postgres",
    suite: "forky",
    args: postgres("18", "/var/lib/postgresql/18/docker", "/var/lib/postgresql"),
  },
  // trixie: 17.11
  {
    repository: "library/postgres",
    tags: ["17", "17.*", "16", "16.*"],
    folder: "postgres",
    suite: "trixie",
    args: postgres("17", oldData, oldData),
  },
  // forky: 5.5.0, which can ask for certificates of IP addresses
  { repository: "certbot/certbot", tags: ["v5.5.0", "v5.*", "latest"], folder: "certbot", suite: "forky" },
  // trixie: 4.0.0
  { repository: "certbot/certbot", tags: ["v4.*", "v3.*"], folder: "certbot", suite: "trixie" },
  // bookworm: 2.1.0
  { repository: "certbot/certbot", tags: ["v2.10.0", "v2.*"], folder: "certbot", suite: "bookworm" },
  // forky: 8.0.6
  { repository: "library/redis", tags: ["8", "8.*", "latest"], folder: "redis", suite: "forky" },
  // bookworm: 7.0.15
  { repository: "library/redis", tags: ["7", "7.*"], folder: "redis", suite: "bookworm" },
  // trixie: 3.13.5
  {
    repository: "library/python",
    tags: ["3.13-slim", "3.13-slim-trixie", "3.13", "3.13.*"],
    folder: "python",
    suite: "trixie",
  },
  // forky: 3.14.7
  {
    repository: "library/python",
    tags: ["3.14-slim", "3.14", "3.14.*", "3.14-slim-trixie"],
    folder: "python",
    suite: "forky",
  },
  // bookworm: 3.11.2
  {
    repository: "library/python",
    tags: ["3.11-slim", "3.11-slim-bookworm", "3.11", "3.11.*"],
    folder: "python",
    suite: "bookworm",
  },
];

/** An image reference taken apart: "nginx:1.30.4" is library/nginx and 1.30.4. */
export interface Reference {
  repository: string;
  tag: string;
}

/** Takes a reference to an image of Docker Hub apart; undefined for other registries and for digests. */
export function parseReference(reference: string): Reference | undefined {
  const match =
    /^(?:(?:docker\.io|index\.docker\.io)\/)?([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?$/.exec(
      reference,
    );
  const [, path, tag = "latest"] = match ?? [];
  if (path === undefined) return undefined;
  const [first = "", ...rest] = path.split("/");
  if (rest.length > 0 && (first.includes(".") || first === "localhost")) return undefined;
  return { repository: rest.length === 0 ? `library/${first}` : path, tag };
}

/** The recipe for a reference; throws a UserError that lists what there is. */
export function findRecipe(reference: string): { recipe: Recipe; wanted: Reference } {
  const wanted = parseReference(reference);
  const recipe = recipes.find(
    ({ repository, tags }) => repository === wanted?.repository && tags.some((tag) => fits(tag, wanted.tag)),
  );
  if (!wanted || !recipe) {
    const names = recipes.map(
      ({ repository, tags }) => `${repository.replace("library/", "")}:${tags[0] ?? ""}`,
    );
    throw new UserError(
      `Docker Hub can't be reached, and the sandbox can't make the image "${reference}" itself. It can make ` +
        `${names.join(", ")} and their kin (the table is in sandbox/images/images.ts).`,
    );
  }
  return { recipe, wanted };
}

function fits(pattern: string, tag: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.\\+?()[\]{}|^$]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(tag);
}

/** The folder of a recipe's Dockerfile. */
export function recipeFolder(recipe: Recipe): string {
  return join(import.meta.dirname, recipe.folder);
}
