import { expect, test } from "vitest";
import { quote } from "../../../components/host/shell.ts";
import { runProgram } from "../support/processes.ts";

const words = [
  "plain",
  "",
  " ",
  "two words",
  "it's",
  "'",
  "''",
  "'\\''",
  '"double"',
  "$HOME",
  "$(id)",
  "`id`",
  "a\\b",
  "\\",
  "line\nbreak\n",
  "tab\there",
  "*",
  "?[a-z]",
  "~",
  "~root",
  "a;b",
  "a&b",
  "a|b",
  "a>b",
  "#comment",
  "!history",
  "-n",
  "--",
  "a=b",
  "{a,b}",
  "ü 漢 🌱",
  "%s\\n",
  "nginx:1.30.4@sha256:0123",
];

test("a shell reads back every quoted word as it was", async () => {
  const line = `printf '%s\\0' ${words.map(quote).join(" ")}`;
  const { code, stdout } = await runProgram("/bin/sh", ["-c", line]);
  expect(code).toBe(0);
  expect(stdout.split("\0").slice(0, -1)).toEqual(words);
});

test("every single ASCII character survives", async () => {
  const characters = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1));
  const { stdout } = await runProgram("/bin/sh", ["-c", `printf '%s\\0' ${characters.map(quote).join(" ")}`]);
  expect(stdout.split("\0").slice(0, -1)).toEqual(characters);
});

test("a quoted word runs nothing when it stands first", async () => {
  const { code, stdout } = await runProgram("/bin/sh", ["-c", quote("echo ran")]);
  expect(code).toBe(127);
  expect(stdout).toBe("");
});

test("ordinary words stay readable in plans", () => {
  const ordinary = ["hello", "10.213.0.0/24", "nginx:1.30.4", "a_b@c%d+e=f"];
  expect(ordinary.map(quote)).toEqual(ordinary);
});
