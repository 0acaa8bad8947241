/** Where the host's address comes from, and what is said when it does not. */
import { describe, expect, test } from "vitest";
import { Failure } from "../../../operations/failure.ts";
import { explainPulumi, readHost, readPins } from "../../../operations/stack.ts";

const plain = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value, secret: false }]));
const read = (settings: object) => readHost(JSON.stringify(settings));

test("the host, its key and the identity come from the plain settings; secrets and other settings are not needed", () => {
  const settings = {
    ...plain({
      "botgarden:host": "deploy@203.0.113.5:2222",
      "botgarden:identityFile": "~/.ssh/garden",
      "botgarden:edge": "not what it should be",
      "other:host": "elsewhere",
    }),
    "hello:token": { secret: true },
    "botgarden:certificateKey": { secret: true },
  };
  expect(read(settings)).toEqual({
    host: { kind: "ssh", user: "deploy", address: "203.0.113.5", port: 2222 },
    identityFile: "~/.ssh/garden",
  });
});

test("pins come from the settings; what is no pin is none, which pulumi tells itself", () => {
  const image = `sha256:${"1".repeat(64)}`;
  const pins = (value: string) => readPins(JSON.stringify({ "botgarden:pins": { value, secret: false } }));
  expect(pins(JSON.stringify({ hello: image }))).toEqual({ hello: image });
  expect(readPins("{}")).toBeUndefined();
  for (const value of ["{}", "{", "[]", '{"hello":"latest"}']) expect(pins(value)).toEqual({});
});

describe("what is said", () => {
  const refusal = (settings: object) => {
    try {
      read(settings);
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      return (error as Failure).message;
    }
    return "not refused";
  };

  test("about settings without a host, or with a wrong one", () => {
    expect(refusal({})).toMatch(
      /^stack settings: botgarden:host: is missing.*pulumi config set botgarden:host/,
    );
    expect(refusal(plain({ "botgarden:host": "-oProxyCommand=x" }))).toMatch(
      /botgarden:host: is not an address/,
    );
  });

  test("about a host that is stored as a secret", () => {
    expect(refusal({ "botgarden:host": { secret: true } })).toMatch(/--plaintext botgarden:host/);
  });

  test.each([
    ["spawn pulumi ENOENT", /no pulumi on your PATH.*Install/],
    [
      "error: no stack selected; please use `pulumi stack select`",
      /pulumi stack select NAME, or --stack NAME/,
    ],
    ["error: no stack named 'nope' found\n", /^no stack named 'nope' found\. pulumi stack ls/],
    [
      "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
      /PULUMI_ACCESS_TOKEN must be set/,
    ],
  ])("when Pulumi says %s", (stderr, expected) => {
    expect(explainPulumi(stderr)).toMatch(expected);
  });
});
