import { describe, expect, test } from "vitest";
import {
  Archive,
  Asset,
  decode,
  encode,
  equal,
  mapWithoutSecrets,
  type PropertyMap,
  ResourceReference,
  Secret,
  UNKNOWN_TEXT,
  unknown,
} from "../../../sandbox/plugins/framework/values.ts";

describe("property values", () => {
  const map: PropertyMap = {
    nothing: null,
    flag: false,
    number: 1.5,
    text: "",
    list: [1, ["a"], { b: true }],
    secret: new Secret({ password: ["x"] }),
    unknown,
    file: new Asset("path", "/tmp/x", "hash"),
    words: new Asset("text", "", "hash"),
    old: new Asset("none", "", "hash"),
    folder: new Archive("path", "/tmp", ""),
    files: new Archive("assets", { a: new Asset("text", "a", "") }, "hash"),
    resource: new ResourceReference("urn:x", "id", "1.0.0"),
  };

  test("come back as they were sent", () => {
    expect(decode(encode(map))).toEqual(map);
  });

  test("are written with the engine's signatures", () => {
    const signature = "4dabf18193072939515e22adb298388d";
    expect(encode({ a: new Secret("x"), b: unknown }).toJavaScript()).toEqual({
      a: { [signature]: "1b47061264138c4ac30d75fd1eb44270", value: "x" },
      b: UNKNOWN_TEXT,
    });
  });

  test("that are unknown numbers are unknown", () => {
    expect(decode(encode({ a: "3eeb2bf0-c639-47a8-9e75-3b44932eb421" }))).toEqual({ a: unknown });
  });

  test("of a signature that nobody knows are refused", () => {
    expect(() => decode(encode({ a: { "4dabf18193072939515e22adb298388d": "new" } }))).toThrow(
      /signature.*new/,
    );
  });

  test("are equal whatever is secret, and assets by their hash", () => {
    expect(equal(new Secret({ a: [1] }), { a: [new Secret(1)] })).toBe(true);
    expect(equal({ a: null }, {})).toBe(true);
    expect(equal([1, 2], [2, 1])).toBe(false);
    expect(equal(unknown, "x")).toBe(false);
    expect(equal(new Asset("text", "a", "h"), new Asset("none", "", "h"))).toBe(true);
    expect(equal(new Asset("text", "a", "h"), new Asset("text", "a", "i"))).toBe(false);
  });

  test("lose the marks of their secrets at any depth", () => {
    expect(mapWithoutSecrets({ a: [new Secret({ b: new Secret(1) })] })).toEqual({ a: [{ b: 1 }] });
  });
});
