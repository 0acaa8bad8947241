import { expect, test } from "vitest";
import { type Loaded, loadFolders, settingsUrl } from "./load.ts";

const good = `import { defineBot } from "${settingsUrl}bot.ts";\nexport default defineBot({ image: "a:1" });\n`;

async function load(files: Record<string, string>): Promise<Loaded> {
  const [loaded = {}] = await loadFolders([files]);
  return loaded;
}

test("finds every bot by itself, sorted by name, and nothing else", async () => {
  const loaded = await load({
    "second.ts": good,
    "hello.ts": good,
    "other.ts": good.replace('image: "a:1"', 'image: "a:1", name: "alpha"'),
    "_shared.ts": "throw new Error();",
    "types.d.ts": "export type A = string;",
    "notes.md": "",
    "hello/": "",
  });
  expect(loaded).toEqual({ names: ["alpha", "hello", "second"] });
});

test("an empty folder is a garden without bots", async () => {
  expect(await load({})).toEqual({ names: [] });
});

const broken: readonly [string, string, string][] = [
  [
    "has a syntax error",
    "// a bot\nexport default { ;\n",
    "broken.ts:2: can't be loaded: SyntaxError: Unexpected token `;`",
  ],
  [
    "has an error of JavaScript's own",
    "const a = 1;\nconst a = 2;\nexport default {};\n",
    "broken.ts:2: can't be loaded: SyntaxError: Identifier 'a' has already been declared",
  ],
  [
    "has syntax that can't be erased",
    "\nenum A { B }\nexport default {};\n",
    "broken.ts:2: can't be loaded: SyntaxError: TypeScript enum is not supported in strip-only mode",
  ],
  [
    "imports a file that isn't there",
    '\nimport "./nowhere.ts";\nexport default {};\n',
    "broken.ts:2: can't be loaded: Error: Cannot find module 'bots/nowhere.ts'",
  ],
  [
    "imports a package that isn't there",
    '\nimport "no-such-package";\nexport default {};\n',
    "broken.ts:2: can't be loaded: Error: Cannot find package 'no-such-package'",
  ],
  [
    "imports a name that isn't there",
    `import { define } from "${settingsUrl}bot.ts";\nexport default {};\n`,
    "broken.ts:1: can't be loaded: SyntaxError: The requested module",
  ],
  ["throws", "\n\nthrow new Error('no luck');\n", "broken.ts:3: can't be loaded: Error: no luck"],
  [
    "throws a secret",
    "throw new Error('123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');\n",
    "broken.ts:1: can't be loaded: a hidden value was thrown",
  ],
  ["throws text", "throw 'no luck';\n", "broken.ts: can't be loaded: something that is no Error was thrown"],
  [
    "exports nothing",
    "export {};\n",
    "broken.ts: exports no bot. It must end with: export default defineBot(",
  ],
  ["exports by another name", "export const bot = {};\n", "broken.ts: exports no bot"],
  ["exports something else", "export default 5;\n", "broken.ts: exports something else than a bot, got 5"],
];

// All in one Node, as starting one takes longer than everything else.
const loadedBroken = loadFolders(broken.map(([, text]) => ({ "broken.ts": text, "hello.ts": good })));

test.for(broken.map(([what, , expected], index) => [what, expected, index] as const))(
  "names a file that %s",
  async ([, expected, index]) => {
    const message = (await loadedBroken)[index]?.message ?? "";
    expect(message).toContain(`bots/${expected}`);
    expect(message.split("\n")).toHaveLength(1);
  },
);

test("names a folder and a Dockerfile that aren't there", async () => {
  const build = (folder: string) => `export default { image: { build: "${folder}" } };`;
  const { message } = await load({ "one.ts": build("./gone"), "two.ts": build("./two"), "two/": "" });
  expect(message?.split("\n").slice(1)).toEqual([
    `  bots/one.ts: image.build: names a folder that doesn't exist, "bots/gone". The path is relative to bots/.`,
    `  bots/two.ts: image.dockerfile: names a file that doesn't exist, "bots/two/Dockerfile". The path is relative to image.build.`,
  ]);
});

test("names what a build with secrets can't do with, and only then", async () => {
  const bot = (folder: string, secrets: string) =>
    `export default { image: { build: "./${folder}", secrets: ${secrets} } };`;
  const npm = '{ npm: { env: "A" }, rc: { file: "./one/keys/rc" }, other: { file: "./elsewhere" } }';
  const files = (folder: string, ignore: string) => ({
    [`${folder}/`]: "",
    [`${folder}/Dockerfile`]: "FROM scratch",
    [`${folder}/.dockerignore`]: ignore,
    [`${folder}/Dockerfile.dockerignore`]: "",
  });
  const { message } = await load({
    ...{ "one.ts": bot("one", npm), ...files("one", "*\n!keys") },
    ...{ "two.ts": bot("two", "{}"), ...files("two", "**") },
    ...{ "six.ts": bot("six", '{ rc: { file: "./six/keys/rc" } }'), ...files("six", "keys\n") },
  });
  const own =
    "image.dockerfile: has \"Dockerfile.dockerignore\" beside it, which a build with secrets doesn't read. Rename it to .dockerignore in the build's folder.";
  expect(message?.split("\n").slice(1)).toEqual([
    "  bots/one.ts: image.dockerfile: is left out by .dockerignore, which a build with secrets can't do with. Add this line at its end: !Dockerfile",
    `  bots/one.ts: ${own}`,
    "  bots/one.ts: image.secrets.rc.file: names a file in the build's folder that could end in the image. Add this line to .dockerignore: keys/rc",
    `  bots/six.ts: ${own}`,
  ]);
});

test("refuses two bots of one name", async () => {
  const named = good.replace('image: "a:1"', 'image: "a:1", name: "hello"');
  expect(await load({ "hello.ts": good, "copy.ts": named })).toEqual({
    message:
      'bots/copy.ts: name: is also the name of the bot in bots/hello.ts, got "hello". Give each bot a name of its own.',
  });
});

test("refuses two volumes that would be one on the host", async () => {
  const withVolume = (name: string) => `export default { image: "a:1", volumes: { "${name}": "/data" } };`;
  expect(await load({ "my.ts": withVolume("bot-data"), "my-bot.ts": withVolume("data") })).toEqual({
    message:
      "bots/my.ts: volumes.bot-data: would be the same volume on the host, botgarden-my-bot-data, as one of bots/my-bot.ts. Rename one of the two volumes.",
  });
});

test("refuses pages of two bots at one path, or one below the other, part by part", async () => {
  const withPages = (path: string) => `export default { image: "a:1", pages: { path: "${path}" } };`;
  const fix = "Give each bot a path of its own, none below another's.";
  const { message } = await load({
    "b1.ts": withPages("/pay"),
    "b2.ts": withPages("/pay/"),
    "b3.ts": withPages("/pay/back"),
    "b4.ts": withPages("/payments"),
    "b5.ts": good,
    "b6.ts": withPages("/app/one"),
    "b7.ts": withPages("/app"),
  });
  expect(message?.split("\n").slice(1)).toEqual([
    `  bots/b2.ts: pages.path: is also the path of the pages of bots/b1.ts, got "/pay". ${fix}`,
    `  bots/b3.ts: pages.path: overlaps "/pay", the path of the pages of bots/b1.ts, got "/pay/back". ${fix}`,
    `  bots/b7.ts: pages.path: overlaps "/app/one", the path of the pages of bots/b6.ts, got "/app". ${fix}`,
  ]);
  const apart = {
    "b1.ts": withPages("/pays"),
    "b2.ts": withPages("/pay"),
    "b3.ts": withPages("/payments"),
    "b4.ts": withPages("/Pay"),
  };
  expect(await load(apart)).toEqual({ names: ["b1", "b2", "b3", "b4"] });
});

test("says that a bot in JavaScript would be overlooked", async () => {
  expect(await load({ "hello.js": "" })).toEqual({
    message:
      'bots/hello.js: is not read, as bots are .ts files. Rename it to "hello.ts", or to start with "_" if it is no bot.',
  });
});

test("lists the faults of all files in one message", async () => {
  const { message = "" } = await load({
    "a1.ts": "export default {};",
    "b1.ts": "export default { image: 1, memory: 1 };",
    "c1.ts": "(",
    "d1.ts": good,
  });
  expect(message.split("\n").map((line) => line.trim().split(": ")[0])).toEqual([
    "4 faults in the settings:",
    "bots/a1.ts",
    "bots/b1.ts",
    "bots/b1.ts",
    "bots/c1.ts:1",
  ]);
});
