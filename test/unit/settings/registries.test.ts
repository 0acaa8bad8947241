/** Logins of private registries, and what an image's reference says of its registry. */
import { describe, expect, test } from "vitest";
import { digestOf, registryOf } from "../../../settings/image.ts";
import { parseStack } from "../../../settings/stack.ts";
import { stackValues } from "../support/bots.ts";

const good = { username: "me", password: "canary-yraNaC" };
const said = (registries: unknown, secretKeys: string[] = ["registries"]) => {
  const text = typeof registries === "string" ? registries : JSON.stringify(registries);
  try {
    const settings = parseStack({ ...stackValues, registries: text }, { secretKeys: new Set(secretKeys) });
    return JSON.stringify(settings);
  } catch (error) {
    return (error as Error).message;
  }
};

describe("the logins", () => {
  test.each([
    "ghcr.io",
    "docker.io",
    "registry.example.com:5000",
    "10.0.0.1:5000",
    "localhost:5000",
    "a-b.example",
  ])("are for a registry like %s, and are no part of the settings", (registry) => {
    expect(said({ [registry]: good })).not.toContain("yraNaC");
    expect(said({ [registry]: good })).toContain("publicName");
  });

  test.each([
    ["an address", "https://ghcr.io"],
    ["a path", "ghcr.io/me"],
    ["capitals", "GHCR.io"],
    ["a name without a dot", "ghcr"],
  ])("are not for %s", (_, registry) => {
    expect(said({ [registry]: good })).toMatch(
      /^stack settings: botgarden:registries.*: is not the name of a registry\. Write it as it stands before the first slash/,
    );
  });

  test("of Docker Hub have its own name", () => {
    expect(said({ "registry-1.docker.io": good })).toContain("Docker Hub's name is docker.io.");
  });

  test.each([
    [
      "no password",
      { "ghcr.io": { username: "me" } },
      `botgarden:registries["ghcr.io"].password: is missing, must be printable ASCII without spaces. Set it with: pulumi config set --secret --path 'botgarden:registries["ghcr.io"].password'`,
    ],
    [
      "no name",
      { "ghcr.io": { password: good.password } },
      `botgarden:registries["ghcr.io"].username: is missing, must be a name without spaces and colons. Set it with: pulumi config set --path 'botgarden:registries["ghcr.io"].username' me`,
    ],
    [
      "a password with a line's end",
      { "ghcr.io": { ...good, password: `${good.password}\n` } },
      `botgarden:registries["ghcr.io"].password: is not allowed, got a hidden value, must be printable ASCII without spaces. Set it with: pulumi config set --secret --path 'botgarden:registries["ghcr.io"].password'`,
    ],
    [
      "something else",
      { "ghcr.io": { ...good, token: "x" } },
      'botgarden:registries["ghcr.io"].token: is not a setting. Known here: username, password.',
    ],
    [
      "no object",
      "ghcr.io",
      "botgarden:registries: is not an object with username and password for each registry, got a hidden value. Set them one by one, with: pulumi config set --path botgarden:registries.NAME VALUE",
    ],
  ])("with %s are one clear fault", (_, registries, expected) => {
    expect(said(registries)).toBe(`stack settings: ${expected}`);
  });
});

test.each([
  ["hello:1", "docker.io"],
  ["me/hello:1", "docker.io"],
  ["docker.io/me/hello:1", "docker.io"],
  ["index.docker.io/me/hello:1", "docker.io"],
  ["ghcr.io/me/hello:1", "ghcr.io"],
  ["localhost/hello:1", "localhost"],
  ["registry:5000/hello:1", "registry:5000"],
])("%s comes from %s", (reference, registry) => {
  expect(registryOf(reference)).toBe(registry);
});

test("a digest is told from a tag", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  expect(digestOf(`ghcr.io/me/hello:1@${digest}`)).toBe(digest);
  expect(digestOf(`hello@${digest}`)).toBe(digest);
  expect(digestOf("hello:1")).toBeUndefined();
});
