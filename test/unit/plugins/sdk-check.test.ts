import { describe, expect, test } from "vitest";
import { checkInputs, type Naming } from "../../../sandbox/plugins/framework/check.ts";
import { type PropertyMap, Secret, unknown } from "../../../sandbox/plugins/framework/values.ts";
import { thing } from "./table.ts";

const naming: Naming = { name: "bot", seed: new Uint8Array() };
const check = (news: PropertyMap, olds: PropertyMap = {}, by: Naming = naming) =>
  checkInputs(thing.fields, "sdk", thing.type, olds, news, by);

describe("Check of flavour sdk", () => {
  test("fills in defaults and a name, and lists them, also in nested objects", () => {
    const { inputs, failures } = check({
      image: "x",
      ports: [{ internal: 80 }],
      healthcheck: { tests: ["true"] },
    });
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      __defaults: ["name", "restart"],
      name: expect.stringMatching(/^bot-[0-9a-f]{7}$/),
      image: "x",
      restart: "no",
      ports: [{ __defaults: ["protocol"], internal: 80, protocol: "tcp" }],
      healthcheck: { __defaults: ["interval"], tests: ["true"], interval: "0s" },
    });
  });

  test("keeps a generated name, and makes another one for a replacement", () => {
    const first = check({ image: "x" }).inputs;
    expect(check({ image: "y" }, first).inputs.name).toBe(first.name);
    expect(check({ image: "y" }).inputs.name).not.toBe(first.name);
  });

  test("forgets a name that the user gave and takes away", () => {
    const first = check({ image: "x", name: "own" }).inputs;
    expect(first.__defaults).toEqual(["restart"]);
    expect(check({ image: "x" }, first).inputs.name).toMatch(/^bot-/);
  });

  test("makes the same name of the same seed, and cuts long names", () => {
    const seeded = { name: "n".repeat(300), seed: new Uint8Array([1, 2, 3]) };
    const name = String(check({ image: "x" }, {}, seeded).inputs.name as string);
    expect(name).toBe(check({ image: "x" }, {}, seeded).inputs.name);
    expect(name).toMatch(/^n{247}-[0-9a-f]{7}$/);
  });

  test("obeys the user's autonaming", () => {
    expect(check({ image: "x" }, {}, { ...naming, proposed: "as-told" }).inputs.name).toBe("as-told");
    expect(check({ image: "x" }, {}, { ...naming, disabled: true }).inputs.name).toBeUndefined();
  });

  test("lets unknowns and secrets through", () => {
    const { inputs, failures } = check({
      image: unknown,
      envs: [new Secret("A=1")],
      memory: new Secret("5"),
    });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({ image: unknown, envs: [new Secret("A=1")], memory: new Secret(5) });
  });

  test.each([
    { title: "a missing input", news: {}, property: "image", says: /Missing required property 'image'/ },
    {
      title: "an unknown input",
      news: { image: "x", imgae: "y" },
      property: "imgae",
      says: /has no input "imgae"/,
    },
    {
      title: "an unknown input inside",
      news: { image: "x", ports: [{ internal: 1, hostt: 2 }] },
      property: "ports[0].hostt",
      says: /has no input "ports\[0\]\.hostt"/,
    },
    { title: "an output", news: { image: "x", address: "y" }, property: "address", says: /is an output/ },
    {
      title: "what the stand-in hasn't",
      news: { image: "x", gpus: "all" },
      property: "gpus",
      says: /not supported.*graphics card/,
    },
    {
      title: "a wrong type",
      news: { image: ["x"] },
      property: "image",
      says: /must be a string, got a list/,
    },
    {
      title: "a fraction",
      news: { image: "x", memory: 1.5 },
      property: "memory",
      says: /must be a whole number/,
    },
    {
      title: "a value that isn't allowed",
      news: { image: "x", restart: "never" },
      property: "restart",
      says: /one of \["no", "always"\]/,
    },
    {
      title: "a conflict",
      news: { image: "x", driver: "a", image2: "b" },
      property: "driver",
      says: /"driver" conflicts with image2/,
    },
  ])("refuses $title by name", ({ news, property, says }) => {
    expect(check(news).failures).toEqual([{ property, reason: expect.stringMatching(says) }]);
  });

  test("never repeats a value that it refuses", () => {
    const { failures } = check({ image: { token: "s3cret" }, memory: "s3cret", restart: "s3cret" });
    expect(JSON.stringify(failures)).not.toContain("s3cret");
  });
});
