/** What makes a build with secrets be repeated: what is sent to the host, and nothing else. */
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { buildDigest } from "../../../components/bot/build-digest.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "app/deep"), { recursive: true });
  write("Dockerfile", "FROM scratch\n");
  write(".dockerignore", "*.log\nnode_modules\napp/deep\n!app/deep/kept\n");
  for (const path of ["app/main.py", "app/deep/kept", "app/deep/lost", "a.log"]) write(path, path);
  symlinkSync("main.py", join(folder, "app/link"));
});

function write(path: string, text: string): void {
  writeFileSync(join(folder, path), text, { mode: 0o644 });
}

const digest = (dockerfile = join(folder, "Dockerfile")) => buildDigest(folder, dockerfile);

const CHANGES: readonly (readonly [string, () => void])[] = [
  ["a file's content", () => write("app/main.py", "else")],
  ["a file's mode", () => chmodSync(join(folder, "app/main.py"), 0o755)],
  ["a file's name", () => renameSync(join(folder, "app/main.py"), join(folder, "app/other.py"))],
  ["another file", () => write("app/more", "")],
  ["a file less", () => unlinkSync(join(folder, "app/main.py"))],
  ["a file that a pattern takes back", () => write("app/deep/kept", "else")],
  [
    "where a link leads to",
    () => {
      unlinkSync(join(folder, "app/link"));
      symlinkSync("deep", join(folder, "app/link"));
    },
  ],
  [
    "a link that becomes a file",
    () => {
      unlinkSync(join(folder, "app/link"));
      write("app/link", "-> main.py");
    },
  ],
  ["the Dockerfile", () => write("Dockerfile", "FROM other\n")],
  [".dockerignore", () => write(".dockerignore", "*.log\n")],
];

test.each(CHANGES)("changes with %s", async (_, change) => {
  const before = await digest();
  change();
  expect(await digest()).not.toBe(before);
});

const SAME: readonly (readonly [string, () => void])[] = [
  ["a time", () => utimesSync(join(folder, "app/main.py"), 1, 1)],
  ["a file that is left out", () => write("a.log", "else")],
  ["a file in a folder that is left out", () => write("app/deep/lost", "else")],
  [
    "a folder that is left out",
    () => {
      mkdirSync(join(folder, "node_modules"));
      write("node_modules/x", "");
    },
  ],
  ["an empty folder", () => mkdirSync(join(folder, "app/empty"))],
];

test.each(SAME)("doesn't change with %s", async (_, change) => {
  const before = await digest();
  change();
  expect(await digest()).toBe(before);
});

test("changes with a Dockerfile outside the folder", async () => {
  const outside = join(temporaryFolder(), "Dockerfile");
  writeFileSync(outside, "FROM scratch\n");
  const before = await digest(outside);
  writeFileSync(outside, "FROM other\n");
  expect(await digest(outside)).not.toBe(before);
});

test("says which folder can't be read", async () => {
  rmSync(join(folder, "Dockerfile"));
  const fault = await digest().catch((error: unknown) => error);
  // Pulumi prints the message of these, and no stack.
  expect(fault).toBeInstanceOf(pulumi.RunError);
  expect(String(fault)).toContain(`The folder ${folder} can't be read for the build of an image: ENOENT`);
});
