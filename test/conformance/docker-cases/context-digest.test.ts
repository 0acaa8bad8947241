/**
 * The digest of a build context, by which docker.Image notices changed files. The numbers are the official plugin's,
 * so these cases also tell which files each `.dockerignore` leaves out.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PropertyMap } from "../../../sandbox/plugins/framework/values.ts";
import { pluginFor } from "../case.ts";
import { type Plugin, startPlugin } from "../harness.ts";

const FILES: Readonly<Record<string, number>> = {
  ".env": 0o600,
  Dockerfile: 0o644,
  "a.log": 0o644,
  "app/main.py": 0o644,
  "app/run": 0o755,
  "app/deep/b.log": 0o644,
  "app/deep/c.txt": 0o644,
  "node_modules/x/index.js": 0o644,
};

const CASES: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "aa0439024dfde3ac4158f07829987ae1628e2aebfc346e4a064bfe26093464d6"],
  [
    "a name at the top",
    ".dockerignore\n*.log\n",
    "fa9aee862e4e2796023a5e171eefc1361afdb919d7a0f5c8f6c48d5b0c6ac6d5",
  ],
  [
    "a name at any depth",
    ".dockerignore\n**/*.log\n",
    "5927b1af3e03b4e2f8a0a4b16c39481604b75534a4d25af6bd3982f3bc804ccc",
  ],
  [
    "a folder",
    ".dockerignore\nnode_modules\napp/deep/\n",
    "43fa8770935c2243d96882243380efaae59ab5d121817fb4d11aba17f54281c4",
  ],
  [
    "everything but a folder",
    "*\n!app\n",
    "5f0888120e29eef563b6e9ef334154f79581ba2f0a86fe1c8e13086f67e51fc1",
  ],
  [
    "a folder but one file",
    ".dockerignore\napp/deep\n!app/deep/c.txt\n",
    "3080d1615ee57cd3e6002f04251c00c238cc5b18f28299bbff82e8a1e9f677d9",
  ],
  [
    "all, then a file again, then a part of it",
    "**\n!app/**\napp/run\n",
    "f7e42e0493692db3739f43905568534945b4879d1a33ffe9ad040f4de21cdc60",
  ],
  [
    "with comments, spaces and a leading slash",
    "# comment\n  /.env  \n.dockerignore\n\n! app\n",
    "fefb3336d2391bcf69fdd53fd023afd3e8f6985877e4145fd1f603d36a546639",
  ],
  [
    "the Dockerfile and a letter class",
    "Dockerfile\n.dockerignore\n[a-b].lo?\n",
    "d25e98ee5a75c3a4ec399a5232cc39daedb99c57bf58dd7771dd45e5032a4df5",
  ],
];

const image = { type: "docker:index/image:Image", name: "it" };
let plugin: Plugin;
let context: string;

beforeAll(async () => {
  context = mkdtempSync(join(tmpdir(), "botgarden-context-"));
  for (const [path, mode] of Object.entries(FILES)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), `${path}\n`);
    chmodSync(join(context, path), mode);
  }
  symlinkSync("/dev/null", join(context, "link"));
  plugin = await startPlugin(pluginFor("docker"));
  // Check speaks to no host, and over ssh neither does the configuration.
  await plugin.configure({ version: "5.2.0", host: "ssh://nobody@127.0.0.1:9" });
});

afterAll(async () => {
  await plugin.stop();
  rmSync(context, { recursive: true, force: true });
});

async function digestWith(ignored: string): Promise<unknown> {
  // The ignore file is itself a file of the context, so the first case has none.
  rmSync(join(context, ".dockerignore"), { force: true });
  if (ignored !== "") {
    writeFileSync(join(context, ".dockerignore"), ignored);
    chmodSync(join(context, ".dockerignore"), 0o644);
  }
  const { inputs, failures } = await plugin.check(
    image,
    {},
    { imageName: "x:y", skipPush: true, build: { context } },
  );
  expect(failures).toEqual([]);
  return (inputs.build as PropertyMap).contextDigest;
}

for (const [what, ignored, digest] of CASES) {
  test(`left out: ${what}`, async () => {
    expect(await digestWith(ignored)).toBe(digest);
  });
}
