/** Bots that are held at an image of the host. */
import { describe, expect, test } from "vitest";
import { pinKey, pinWarnings, unpin, withPins } from "../../../settings/pins.ts";
import { parseStack } from "../../../settings/stack.ts";
import { botsOf, stackValues } from "../support/bots.ts";

const image = `sha256:${"0123456789abcdef".repeat(4)}`;
const pinned = (pins: string) => parseStack({ ...stackValues, pins });
const said = (pins: string) => {
  try {
    return JSON.stringify(pinned(pins).pins);
  } catch (error) {
    return (error as Error).message;
  }
};

describe("the setting", () => {
  test("is an object of image ids, as `pulumi config set --path` writes it; what a removed pin leaves is none", () => {
    expect(pinned(JSON.stringify({ hello: image, "shop-bot": image })).pins).toEqual({
      hello: image,
      "shop-bot": image,
    });
    expect(pinned("{}").pins).toEqual({});
    expect(parseStack(stackValues).pins).toEqual({});
  });

  test.each([
    ["a tag", '{"hello":"hello:1.2"}'],
    ["a short id", '{"hello":"sha256:0123456789ab"}'],
    ["an id with a line's end", JSON.stringify({ hello: `${image}\n` })],
    ["an id in capitals", JSON.stringify({ hello: image.toUpperCase() })],
    ["a number", '{"hello":5}'],
  ])("refuses %s", (_, pins) => {
    expect(said(pins)).toMatch(
      /^stack settings: botgarden:pins\.hello: .*must be the id of an image on the host/,
    );
  });

  test("refuses what is no object, and a pin that was set without --path", () => {
    expect(said(image)).toMatch(
      /^stack settings: botgarden:pins: is not an object .*pulumi config set --path botgarden:pins\.NAME VALUE$/,
    );
    expect(() => parseStack({ ...stackValues, "pins.hello": image })).toThrow(
      /botgarden:pins\.hello: was set without --path/,
    );
  });
});

describe("the bots", () => {
  const bots = botsOf();

  test("get their pins, and a pin of a bot that is not there is a fault with its name", () => {
    const { bots: result, faults } = withPins(bots, { "shop-bot": image, helo: image }, "Pulumi.prod.yaml");
    expect(result.map(({ name, pin }) => [name, pin])).toEqual([
      ["hello", undefined],
      ["poller", undefined],
      ["shop-bot", image],
    ]);
    expect(faults).toEqual([
      {
        where: "Pulumi.prod.yaml",
        path: "botgarden:pins.helo",
        problem: "pins a bot that is not in bots/",
        fix: "Did you mean hello? Remove it with: pulumi config rm --path 'botgarden:pins.helo'",
      },
    ]);
  });

  test("that are pinned are told with what their files say and what ends it", () => {
    const { bots: result } = withPins(bots, { hello: image, poller: image }, "");
    expect(pinWarnings(bots)).toEqual([]);
    expect(pinWarnings(result)).toEqual([
      "hello is pinned to sha256:0123456789ab, while bots/hello.ts says that it is built. When the code is right: pulumi config rm --path 'botgarden:pins.hello' && pulumi up",
      "poller is pinned to sha256:0123456789ab, while bots/poller.ts says ghcr.io/example/poller:1.2.0. When the code is right: pulumi config rm --path 'botgarden:pins.poller' && pulumi up",
    ]);
  });

  test("a strange name keeps its key in one piece", () => {
    expect(pinKey("a.b")).toBe('botgarden:pins["a.b"]');
    expect(unpin("shop-bot")).toBe("pulumi config rm --path 'botgarden:pins.shop-bot'");
  });
});
