import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { findRequiredPackages } from "../../../sandbox/plugins/language/required-packages.ts";
import { temporaryFolder, writeFiles } from "./temporary-folder.ts";

const checkout = resolve(import.meta.dirname, "../../..");

test("the project's own packages are those that the official host found", () => {
  // The recordings' answer to LanguageRuntime/GetRequiredPackages, for a program with the same four packages.
  const recorded = [
    { name: "command", version: "v1.2.1" },
    { name: "docker", version: "v5.2.0" },
    { name: "random", version: "v4.21.2" },
    { name: "tls", version: "v5.6.1" },
  ];
  const found = findRequiredPackages(checkout);
  expect(found.packages).toEqual(recorded.map((entry) => ({ ...entry, server: "" })));
});

test("packages are found at any depth, through links, once, in alphabetical order", () => {
  const program = temporaryFolder();
  writeFiles(program, {
    "package.json": '{"name":"program","version":"1.0.0","pulumi":{"resource":true}}',
    "node_modules/@pulumi/zeta/package.json":
      '{"name":"@pulumi/zeta","version":"2.0.0","pulumi":{"resource":true}}',
    "node_modules/other/package.json":
      '{"name":"other","version":"9.9.9","pulumi":{"resource":true,"name":"plug","version":"v3.0.0","server":"https://example.test"}}',
    "node_modules/other/node_modules/@pulumi/deep/package.json":
      '{"name":"@pulumi/deep","version":"1.0.0","pulumi":{"resource":true}}',
    "node_modules/plain/package.json": '{"name":"plain","version":"1.0.0"}',
    "node_modules/no-resource/package.json":
      '{"name":"no-resource","version":"1.0.0","pulumi":{"resource":false}}',
    "policy/PulumiPolicy.yaml": "runtime: nodejs",
    "policy/node_modules/@pulumi/hidden/package.json":
      '{"name":"@pulumi/hidden","version":"1.0.0","pulumi":{"resource":true}}',
  });
  symlinkSync(join(program, "node_modules"), join(program, "node_modules/other/again"));
  expect(findRequiredPackages(program)).toEqual({
    packages: [
      { name: "zeta", version: "v2.0.0", server: "" },
      { name: "deep", version: "v1.0.0", server: "" },
      { name: "plug", version: "v3.0.0", server: "https://example.test" },
    ],
    problems: [],
  });
});

test("what can't be understood is a problem with its path, and the rest is found", () => {
  const program = temporaryFolder();
  writeFiles(program, {
    "node_modules/nameless/package.json": '{"name":"nameless","version":"1.0.0","pulumi":{"resource":true}}',
    "node_modules/parameterized/package.json":
      '{"name":"@pulumi/p","version":"1.0.0","pulumi":{"resource":true,"parameterization":{}}}',
    "node_modules/torn/package.json": '{"pulumi"',
    "node_modules/@pulumi/good/package.json":
      '{"name":"@pulumi/good","version":"1.0.0","pulumi":{"resource":true}}',
  });
  symlinkSync("nowhere", join(program, "dangling"));
  const { packages, problems } = findRequiredPackages(program);
  expect(packages.map(({ name }) => name)).toEqual(["good"]);
  expect(problems).toHaveLength(4);
  expect(problems.join("\n")).toMatch(/nameless.*needs a "name"/);
  expect(problems.join("\n")).toMatch(/does not support parameterized packages/);
});
