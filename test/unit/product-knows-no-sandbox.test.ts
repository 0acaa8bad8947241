import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** What users deploy. */
const product = [
  "index.ts",
  ...globSync("{settings,components,operations,bots}/**/*", { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`),
];

test("the product imports nothing of the sandbox or the tests, and names no stand-in", () => {
  expect(product.length).toBeGreaterThan(40);
  for (const file of product) {
    const text = readFileSync(file, "utf8");
    expect(text, file).not.toMatch(/(from|import\()\s*"[./]*\/(sandbox|test)\//);
    expect(text, file).not.toMatch(/stand-in/i);
  }
});

test("settings know nothing of components", () => {
  for (const file of globSync("settings/**/*.ts")) {
    expect(readFileSync(file, "utf8"), file).not.toMatch(/from "\.\.\/components\//);
  }
});
