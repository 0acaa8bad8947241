/**
 * Writes docs/settings.md from the schemas: `node settings/reference.ts`. A test fails if the file is older
 * than the schemas.
 */
import { writeFileSync } from "node:fs";
import type * as z from "zod";
import { botSchema } from "./bot-schema.ts";
import { STANDARD_ENVIRONMENT } from "./environment.ts";
import { RESERVED_NAMES } from "./names.ts";
import { aboutOf, defaultOf, isOptional, shapeOf } from "./schema.ts";
import { NAMESPACE } from "./stack.ts";
import { stackSchema } from "./stack-schema.ts";

const HEAD = `<!-- Written by \`node settings/reference.ts\` from the schemas in settings/. Don't edit it here. -->
<!-- biome-ignore-all format: the tables' columns would be padded to the longest text -->

# Settings

Every setting of the stack and of a bot. Each is checked before anything is deployed: a key that isn't listed
here, a wrong type or a value that isn't allowed stops the run, and one message lists all that is wrong.

## The stack

Kept by Pulumi in \`Pulumi.<stack>.yaml\`. Set one with \`pulumi config set ${NAMESPACE}:host root@203.0.113.5\`; one
with a dot needs \`--path\`: \`pulumi config set --path ${NAMESPACE}:edge.httpsPort 8443\`. A list is set item
by item: \`pulumi config set --path '${NAMESPACE}:edge.allowFrom[0]' telegram\`.
`;

const BOT_HEAD = `
## A bot

What a file in \`bots/\` gives to \`defineBot\`. Sizes are written like \`"256 MB"\` or \`"1 GB"\` (1 MB is 1024 × 1024
bytes), times like \`"30 seconds"\`, \`"5 minutes"\` or \`"1 hour"\`.
`;

const ENVIRONMENT_HEAD = `
## The environment of a bot

Every bot gets these variables. Their names can be used neither in \`secrets\` nor in \`environment\`.

| Variable | Meaning |
|---|---|
`;

const NAMES_HEAD = `
## Names that no bot can have

| Name | Why |
|---|---|
`;

/** The whole text of docs/settings.md. */
export function renderReference(): string {
  const environment = [...STANDARD_ENVIRONMENT].map(([name, meaning]) => row([`\`${name}\``, meaning]));
  const reasons = [...Map.groupBy(RESERVED_NAMES, ([, reason]) => reason)];
  const names = reasons.map(([reason, group]) =>
    row([
      group.map(([name]) => `\`${name}\``).join(", "),
      `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}.`,
    ]),
  );
  return [
    HEAD,
    ...tables(stackSchema, NAMESPACE, ":"),
    BOT_HEAD,
    ...tables(botSchema, "", ""),
    ENVIRONMENT_HEAD,
    ...environment,
    NAMES_HEAD,
    ...names,
  ].join("");
}

/** A table of the plain settings, then a headed table for each section. */
function tables(schema: z.core.$ZodType, prefix: string, separator: string): string[] {
  const entries = Object.entries(shapeOf(schema) ?? {});
  const plain = entries.filter(([, inner]) => aboutOf(inner) !== undefined);
  const nested = entries.filter(([, inner]) => shapeOf(inner) !== undefined);
  const lines = ["\n| Setting | Type | Default | Meaning |\n|---|---|---|---|\n"];
  for (const [key, inner] of plain) lines.push(settingRow(`${prefix}${separator}${key}`, inner));
  for (const [key, inner] of nested) {
    const path = `${prefix}${separator}${key}`;
    lines.push(`\n### \`${path}\`\n`, ...tables(inner, path, "."));
  }
  return plain.length === 0 ? lines.slice(1) : lines;
}

function settingRow(path: string, schema: z.core.$ZodType): string {
  const about = aboutOf(schema);
  if (about === undefined) return "";
  const allowed = about.allowed === about.type ? "" : ` Must be ${about.allowed}.`;
  return row([
    `\`${path}\``,
    about.type,
    defaultText(schema, about.default),
    `${about.description}${allowed}`,
  ]);
}

function defaultText(schema: z.core.$ZodType, words: string | undefined): string {
  if (words !== undefined) return words;
  const value = defaultOf(schema);
  if (value !== undefined) return isEmpty(value) ? "none" : `\`${JSON.stringify(value)}\``;
  return isOptional(schema) ? "none" : "required";
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

if (import.meta.main) writeFileSync(new URL("../docs/settings.md", import.meta.url), renderReference());
