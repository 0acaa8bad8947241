import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { readSecrets } from "../../../components/secrets.ts";
import { formatFaults } from "../../../settings/fault.ts";
import { botsOf, configurationOf, secretOf, tokenOf } from "../support/bots.ts";
import { valueOfOutput } from "../support/recorder.ts";

const bots = botsOf();
const complete = configurationOf(bots);

/** The complete configuration with some values changed or, where undefined, removed. */
function changed(values: Record<string, string | undefined>, notSecret: readonly string[] = []) {
  const merged = { ...complete.values, ...values };
  const kept = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    values: Object.fromEntries(kept),
    secretKeys: new Set([...complete.secretKeys].filter((key) => !notSecret.includes(key))),
  };
}

test("every bot gets its own token and secrets, as secrets", async () => {
  const { secrets, faults } = readSecrets(bots, complete);
  expect(faults).toEqual([]);
  expect([...secrets.keys()]).toEqual(bots.map(({ name }) => name));
  const hello = secrets.get("hello");
  if (hello === undefined) throw new Error("no secrets of hello");
  expect(await valueOfOutput(hello.token)).toBe(tokenOf("hello"));
  expect(Object.keys(hello.secrets)).toEqual(["WEATHER_KEY"]);
  const [weather] = Object.values(hello.secrets);
  if (weather === undefined) throw new Error("no secret of hello");
  expect(await valueOfOutput(weather)).toBe(secretOf("hello", "weatherKey"));
  for (const output of [hello.token, weather]) expect(await pulumi.isSecret(output)).toBe(true);
});

test.for([
  { what: "a missing token", values: { "hello:token": undefined }, path: "hello:token" },
  { what: "an empty token", values: { "hello:token": "" }, path: "hello:token" },
  { what: "a malformed token", values: { "hello:token": "123:canary-malformed" }, path: "hello:token" },
  {
    what: "a token with a line's end",
    values: { "hello:token": `${tokenOf("hello")}\n` },
    path: "hello:token",
  },
  { what: "a missing secret", values: { "hello:weatherKey": undefined }, path: "hello:weatherKey" },
  { what: "a token in clear", values: {}, notSecret: ["hello:token"], path: "hello:token" },
  { what: "a secret in clear", values: {}, notSecret: ["hello:weatherKey"], path: "hello:weatherKey" },
])("$what is one fault that names it, and tells how to set it", ({ values, notSecret, path }) => {
  const { faults } = readSecrets(bots, changed(values, notSecret));
  expect(faults.map((fault) => fault.path)).toEqual([path]);
  const message = formatFaults(faults);
  expect(message).toContain(`pulumi config set --secret ${path}`);
  expect(message).not.toContain("canary");
});

test("all faults of all bots come at once", () => {
  const { faults } = readSecrets(bots, { values: {}, secretKeys: new Set() });
  expect(faults.map(({ path }) => path)).toEqual([
    "hello:token",
    "hello:weatherKey",
    "poller:token",
    "shop-bot:token",
  ]);
});
