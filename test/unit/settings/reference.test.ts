import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type * as z from "zod";
import type { BotDefinition } from "../../../settings/bot.ts";
import { botSchema } from "../../../settings/bot-schema.ts";
import { renderReference } from "../../../settings/reference.ts";
import { aboutOf, shapeOf } from "../../../settings/schema.ts";
import { stackSchema } from "../../../settings/stack-schema.ts";

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

/** Every setting by its path, sections included. */
function settingsIn(schema: z.core.$ZodType, path: readonly string[] = []): [string, z.core.$ZodType][] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([key, inner]) => [
    [[...path, key].join("."), inner],
    ...settingsIn(inner, [...path, key]),
  ]);
}

test("docs/settings.md is as the schemas are; `node settings/reference.ts` writes it", () => {
  expect(textOf("docs/settings.md")).toBe(renderReference());
});

test("every setting says what it is and has an example that is allowed", () => {
  for (const [path, schema] of [...settingsIn(stackSchema), ...settingsIn(botSchema)]) {
    const about = aboutOf(schema);
    if (about === undefined) {
      expect(shapeOf(schema), path).toBeDefined();
      continue;
    }
    expect(about.description, path).toMatch(/^[A-Z`].*\.$/);
    expect(renderReference(), path).toContain(`${path}\` | ${about.type} |`);
  }
});

test("the doc comments that an editor shows begin as the schemas' descriptions", () => {
  const comments = [
    ...textOf("settings/definition.ts").matchAll(/\/\*\*((?:(?!\*\/)(?:.|\n))*)\*\/\s+readonly (\w+)/g),
  ].map(([, comment = "", key = ""]) => ({ key, text: comment.replaceAll(/\s*\n\s*\* ?/g, " ").trim() }));
  for (const [path, schema] of settingsIn(botSchema)) {
    const description = aboutOf(schema)?.description ?? "";
    const key = path.split(".").at(-1);
    // The section `webhook` is one type with a comment for each of its settings.
    if (path === "webhook") continue;
    const found = comments.some((comment) => comment.key === key && comment.text.startsWith(description));
    expect(found, `${path}: ${description}`).toBe(true);
  }
});

test("the editor's type and the schema take the same definitions", () => {
  type Input = z.input<typeof botSchema>;
  type Missing = Exclude<keyof BotDefinition, keyof Input> | Exclude<keyof Input, keyof BotDefinition>;
  const none: Missing[] = [];
  expect(none).toEqual([]);
});
