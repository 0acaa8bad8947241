import { describe, expect, test } from "vitest";
import { parseRuntimeOptions, splitWords } from "../../../sandbox/plugins/language/options.ts";

describe("runtime options of Pulumi.yaml", () => {
  test("typescript: false is what programs need", () => {
    expect(parseRuntimeOptions({ typescript: false })).toEqual({ nodeArgs: [] });
  });

  test("nodeargs are split into words", () => {
    const options = { typescript: false, nodeargs: "--max-old-space-size=512 --title 'a b'" };
    expect(parseRuntimeOptions(options).nodeArgs).toEqual(["--max-old-space-size=512", "--title", "a b"]);
  });

  test.each([
    [{}, /does not support typescript: true; it supports typescript: false/],
    [{ typescript: true }, /does not support typescript: true/],
    [{ typescript: "false" }, /^typescript option must be a boolean$/],
    [{ typescript: false, tsconfig: "x.json" }, /does not support tsconfig: "x.json"/],
    [{ typescript: false, packagemanager: "pnpm" }, /does not support packagemanager: "pnpm"/],
    [{ typescript: false, colour: 1 }, /does not support colour: 1/],
    [{ typescript: false, nodeargs: 3 }, /^nodeargs option must be a string$/],
    [{ typescript: false, nodeargs: "--title 'a" }, /a ' is not closed/],
  ])("%j is refused by name", (options, message) => {
    expect(() => parseRuntimeOptions(options)).toThrow(message);
  });
});

test.each([
  ["", []],
  ["  a\tb \n c ", ["a", "b", "c"]],
  [`"a b"'c d'e`, ["a bc de"]],
  [`""`, [""]],
  [`a\\ b "c\\"d" 'e\\f' "g\\h"`, ["a b", 'c"d', "e\\f", "g\\h"]],
  ["a # b\nc d#e", ["a", "c", "d#e"]],
])("%j splits into %j", (line, words) => {
  expect(splitWords(line)).toEqual(words);
});
