import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findRecipe, parseReference, recipeFolder, recipes } from "../../../sandbox/images/images.ts";

describe("an image reference", () => {
  test.each([
    ["nginx", "library/nginx", "latest"],
    ["nginx:1.30.4", "library/nginx", "1.30.4"],
    ["docker.io/library/nginx:1.30.4", "library/nginx", "1.30.4"],
    ["docker.io/nginx:1.30.4", "library/nginx", "1.30.4"],
    ["certbot/certbot:v5.5.0", "certbot/certbot", "v5.5.0"],
  ])("%s", (reference, repository, tag) => {
    expect(parseReference(reference)).toEqual({ repository, tag });
  });

  test.each([
    "ghcr.io/a/b:1",
    "localhost/a:1",
    "localhost:5000/a:1",
    "Nginx",
    "nginx:",
    `nginx@sha256:${"0".repeat(64)}`,
    "",
  ])("%s is none of Docker Hub's with a tag", (reference) => {
    expect(parseReference(reference)).toBeUndefined();
  });
});

describe("the table", () => {
  test.each([
    ["nginx:1.30.4", "nginx", "forky"],
    ["nginx:1.25", "nginx", "trixie"],
    ["postgres:18", "postgres", "forky"],
    ["postgres:18.6", "postgres", "forky"],
    ["postgres:16", "postgres", "trixie"],
    ["certbot/certbot:v5.5.0", "certbot", "forky"],
    ["certbot/certbot:v2.10.0", "certbot", "bookworm"],
    ["redis:8.2.1", "redis", "forky"],
    ["redis:7", "redis", "bookworm"],
    ["python:3.13-slim", "python", "trixie"],
    ["python:3.13-slim-trixie", "python", "trixie"],
  ])("%s is made", (reference, folder, suite) => {
    expect(findRecipe(reference).recipe).toMatchObject({ folder, suite });
  });

  test("Postgres keeps its data where the wanted version does", () => {
    expect(findRecipe("postgres:18").recipe.args).toMatchObject({ VOLUME_PATH: "/var/lib/postgresql" });
    expect(findRecipe("postgres:16").recipe.args).toMatchObject({ VOLUME_PATH: "/var/lib/postgresql/data" });
  });

  test.each(["nginx:9", "nginx:1x30", "postgres:180", "mysql:8", "ghcr.io/nginx:1.30.4"])(
    "%s is not",
    (reference) => {
      expect(() => findRecipe(reference)).toThrow(
        `can't make the image "${reference}" itself. It can make nginx:1.30.4`,
      );
    },
  );

  test("every line has a Dockerfile, and its first tag is its own", () => {
    for (const recipe of recipes) {
      expect(existsSync(join(recipeFolder(recipe), "Dockerfile"))).toBe(true);
      const tag = recipe.tags[0]?.replace("*", "1") ?? "";
      expect(findRecipe(`${recipe.repository}:${tag}`).recipe).toBe(recipe);
    }
  });
});
