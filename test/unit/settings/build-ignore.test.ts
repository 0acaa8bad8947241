/** `.dockerignore`, read as Docker reads it: the stand-in's own rules are checked against the official plugin's. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { IgnoreRules, readIgnoreFile } from "../../../sandbox/plugins/docker/context/ignore.ts";
import { ignoreRules } from "../../../settings/build-ignore.ts";
import { sharedFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { Chance } from "./random.ts";

const folder = sharedFolder();

function rulesOf(text: string) {
  writeFileSync(join(folder, ".dockerignore"), text);
  return ignoreRules(folder);
}

test("no file leaves nothing out", async () => {
  const rules = await ignoreRules(temporaryFolder());
  expect([rules.leavesOut("a"), rules.final]).toEqual([false, true]);
});

test.each([
  ["*.log", "a.log", true],
  ["*.log", "a/b.log", false],
  ["**/*.log", "a/b.log", true],
  ["node_modules/", "node_modules/x/index.js", true],
  ["\uFEFF/.env", ".env", true],
  ["  # no comment", "x", false],
  ["Notes.TXT", "notes.txt", false],
  ["c++/(1)", "c++/(1)", true],
  ["a+b", "aab", false],
  ["\\(a", "(a", true],
  ["*\r\n!app\r\napp/x", "app/y", false],
  ["*\n!app\napp/x", "app/x", true],
])("%j and %s", async (text, path, out) => {
  expect((await rulesOf(text)).leavesOut(path)).toBe(out);
});

const PARTS = ["a", "b", "*.log", "**", "*", "a*", "?", "[ab]", "x.log", ".env", "a+b", "c(1)", "./a", "b/"];
const NAMES = ["a", "b", "x.log", ".env", "ab", "A", "a+b", "aab", "c(1)", "c1"];

test("any patterns mean the same as to the plugin", async () => {
  const chance = new Chance(20260727);
  const some = (of: readonly string[]) =>
    Array.from({ length: 1 + chance.below(3) }, () => chance.pick(of)).join("/");
  for (let i = 0; i < 500; i += 1) {
    const patterns = Array.from({ length: 1 + chance.below(4) }, () => {
      return `${chance.pick(["", "", "!", "/", "!/"]) ?? ""}${some(PARTS)}`;
    });
    const text = patterns.join("\n");
    const [rules, expected] = [await rulesOf(text), new IgnoreRules(readIgnoreFile(text))];
    for (const path of [some(NAMES), some(NAMES), some(NAMES)]) {
      expect(rules.leavesOut(path), `${text} and ${path}`).toBe(expected.leavesOut(path));
    }
  }
});
