/** Whether a build's secrets are there, and nothing of their values in the words about it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseBot } from "../../../settings/bot.ts";
import { buildSecretFaults } from "../../../settings/build-secrets.ts";
import { formatFault } from "../../../settings/fault.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const folder = sharedFolder();
mkdirSync(join(folder, "keys"));
writeFileSync(join(folder, "good"), "canary-yraNaC");
writeFileSync(join(folder, "empty"), "");
writeFileSync(join(folder, "big"), "x".repeat(500 * 1024 + 1));

type Secrets = Readonly<Record<string, { env: string } | { file: string }>>;

function linesFor(secrets: Secrets, pin?: string): string[] {
  const origin = { file: "bots/hello.ts", defaultName: "hello", directory: folder };
  const bot = parseBot({ image: { build: "./hello", secrets } }, origin);
  const environment = { SET: "canary-yraNaC", EMPTY: "" };
  return buildSecretFaults([pin === undefined ? bot : { ...bot, pin }], environment).map(formatFault);
}

test("secrets that are there are no fault", () => {
  expect(linesFor({ a: { env: "SET" }, b: { file: "./good" }, c: { file: join(folder, "good") } })).toEqual(
    [],
  );
});

test.each([
  ["not set", { env: "GONE" }, 'env: names an environment variable that is not set, got "GONE". '],
  ["empty", { env: "EMPTY" }, 'env: names an environment variable that is empty, got "EMPTY". '],
  ["no file", { file: "gone" }, "file: names a file that doesn't exist, got "],
  ["a folder", { file: "keys" }, "file: names a file that is not a file, got "],
  ["an empty file", { file: "empty" }, "file: names a file that is empty, got "],
  ["a file that BuildKit refuses", { file: "big" }, "file: names a file that is bigger than 500 KB, got "],
] satisfies [string, Secrets[string], string][])("one that is %s is a fault", (_, secret, expected) => {
  const [line = "", ...others] = linesFor({ npm: secret });
  expect(others).toEqual([]);
  expect(line).toContain(`bots/hello.ts: image.secrets.npm.${expected}`);
  expect(line).toMatch(/\. (?:Set it in the shell that runs pulumi|Put the file there) ?.*\.$/);
});

test("a path that leads through a file is a fault", () => {
  const [line] = linesFor({ npm: { file: "good/below" } });
  expect(line).toContain("names a file that can't be read (ENOTDIR)");
});

test("a pinned bot builds nothing and needs none", () => {
  expect(linesFor({ a: { env: "GONE" } }, `sha256:${"0".repeat(64)}`)).toEqual([]);
});
