import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

export default defineConfig({
  test: {
    reporters: ["default"],
    // How long the end may take, which takes a sandbox down: after that vitest leaves it half there and goes.
    teardownTimeout: 600_000,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          pool: "forks",
          // Many start containers, and stop them afterwards, two files at a time.
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "certificates",
          include: ["test/certificates/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 900_000,
        },
      },
      endToEnd("e2e", ["test/e2e/*.test.ts"]),
      // Needs no garden, or one that is taken down all the time.
      endToEnd("e2e-apart", ["test/e2e/apart/*.test.ts"]),
      // What the edge lets through, with bots that record it.
      endToEnd("e2e-edge", ["test/e2e/edge/*.test.ts"]),
      // Where the certificate comes from, and the ways between.
      endToEnd("e2e-certificates", ["test/e2e/certificates/*.test.ts"]),
      // What releases do to the updates that come meanwhile.
      endToEnd("e2e-releases", ["test/e2e/releases/*.test.ts"]),
      // What they do to the time that each bot takes: measured, so with the machine to itself.
      endToEnd("e2e-load", ["test/e2e/releases/alone/*.test.ts"]),
      // What a release does before it starts, and what fails or is killed in the middle of one: as long as the others.
      endToEnd("e2e-failures", ["test/e2e/releases/{before,failures}/*.test.ts"]),
    ],
  },
});

/** One sandbox, one story: the files run one after the other. */
function endToEnd(name: string, include: string[]): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include,
      globalSetup: ["test/e2e/support/global-setup.ts"],
      pool: "forks",
      fileParallelism: false,
      testTimeout: 600_000,
      hookTimeout: 900_000,
    },
  };
}
