import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { Garden } from "../support/garden.ts";
import { runProgram } from "../support/run.ts";
import { type Stack, separateStack } from "../support/stack.ts";

/** Faults that are found before the host is asked: a preview shows them. */
describe("bad input is one clear message", () => {
  const garden = new Garden();
  let stack: Stack;
  let hello: string;
  const bot = (name: string, text: string) => writeFileSync(join(stack.project, "bots", `${name}.ts`), text);

  beforeAll(async () => {
    stack = await separateStack(garden, "faults", garden.state.host);
    hello = readFileSync(join(stack.project, "bots/hello.ts"), "utf8");
  });
  afterAll(() => stack.remove());

  const define = (text: string) =>
    `import { defineBot } from "../settings/bot.ts";\nexport default defineBot({ image: "example/bot:1", ${text} });\n`;

  const cases: [string, () => Promise<void> | void, RegExp][] = [
    ["an unknown key", () => stack.set({ colour: "red" }), /botgarden:colour: is not a setting/],
    ["a wrong type", () => stack.set({ postgres: "big" }), /botgarden:postgres: is not an object/],
    [
      "a bad domain",
      () => stack.set({ domain: "https://bots.example.com/" }),
      /botgarden:domain: is not a DNS name/,
    ],
    [
      "no name at all",
      () => stack.set({ domain: undefined }),
      /botgarden:domain: is missing, and so is botgarden:ip/,
    ],
    [
      "a missing token",
      () => stack.set({}).then(() => removeToken(stack)),
      /hello:token: is missing.*--secret hello:token/,
    ],
    ["a malformed token", () => stack.secret("hello:token", "12:short"), /hello:token: is not a bot's token/],
    ["two bots of one name", () => bot("twin", define('name: "hello"')), /hello.*twin|twin.*hello/],
    ["a reserved name", () => bot("postgres", define("")), /postgres\.ts: name: .*reserved/],
    ["a name that is too long", () => bot("a".repeat(40), define("")), /too long/],
    ["a bad port", () => bot("porter", define("webhook: { port: 80 }")), /porter\.ts: webhook\.port/],
    [
      "a file that does not compile",
      () => bot("broken", "export default (\n"),
      /broken\.ts.*can't be loaded/,
    ],
    ["a file that exports nothing", () => bot("empty", "export const x = 1;\n"), /empty\.ts: exports no bot/],
    [
      "limits beyond Postgres's connections",
      () => bot("greedy", define("database: { connectionLimit: 500 }")),
      /maxConnections: is too small for the bots/,
    ],
  ];

  test.for(cases)("%s", async ([, spoil, message], { expect }) => {
    await stack.set({});
    rmSync(join(stack.project, "bots"), { recursive: true });
    mkdirSync(join(stack.project, "bots"));
    cpSync(join(garden.project, "bots/hello"), join(stack.project, "bots/hello"), { recursive: true });
    bot("hello", hello);
    await spoil();
    const { code, output } = await stack.pulumi("preview");
    expect(code, output).not.toBe(0);
    expect(output.replaceAll("\n", " ")).toMatch(message);
    expect(output).not.toMatch(/\n\s+at .*\d+:\d+/);
  });

  test("a Node that is too old says so", async ({ expect }) => {
    const folder = join(stack.project, "old-node");
    mkdirSync(folder);
    writeFileSync(join(folder, "lie.cjs"), lie);
    const script = `#!/bin/sh\nexec '${process.execPath}' --require '${folder}/lie.cjs' "$@"\n`;
    writeFileSync(join(folder, "node"), script, { mode: 0o755 });
    const { code, output } = await runProgram(
      garden.state.toolchain.cli,
      ["preview", "--stack", "faults", "--non-interactive", "--color=never"],
      { cwd: stack.project, env: { ...stack.environment, PATH: `${folder}:${stack.environment.PATH}` } },
    );
    expect(code).not.toBe(0);
    expect(output).toMatch(/botgarden needs Node 24 or newer, but `node` on your PATH is v20/);
  });
});

async function removeToken(stack: Stack): Promise<void> {
  await stack.pulumi("config", "rm", "hello:token");
}

/** Makes a Node say that it is an old one: a real one cannot be had everywhere. */
const lie = `
Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });
Object.defineProperty(process, "version", { value: "v20.19.0" });
`;
