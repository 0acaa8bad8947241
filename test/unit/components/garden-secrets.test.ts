/** No secret value leaves the program in a place where it can be read: every made-up secret is searched for. */
import { beforeAll, expect, test } from "vitest";
import { secretOf, tokenOf } from "../support/bots.ts";
import { recordGarden } from "../support/garden.ts";
import {
  allOf,
  COMMAND,
  CONTAINER,
  canaryOf,
  find,
  isSecret,
  plain,
  type Recorded,
  readableTexts,
} from "../support/recorder.ts";

/** Where each secret has to arrive. */
const canaries: Readonly<Record<string, { readonly value: string; readonly reaches: readonly string[] }>> = {
  "hello's token": { value: tokenOf("hello"), reaches: ["hello", "hello-webhook"] },
  "poller's token": { value: tokenOf("poller"), reaches: ["poller", "poller-webhook"] },
  "shop-bot's token": { value: tokenOf("shop-bot"), reaches: ["shop-bot", "shop-bot-webhook"] },
  "hello's own secret": { value: secretOf("hello", "weatherKey"), reaches: ["hello"] },
  "hello's webhook secret": {
    value: canaryOf("hello-webhook-secret"),
    reaches: ["hello", "hello-release", "hello-webhook"],
  },
  // Registers itself and does not say that it passes the secret on: the edge cannot ask for it.
  "shop-bot's webhook secret": { value: canaryOf("shop-bot-webhook-secret"), reaches: ["shop-bot"] },
  "hello's database password": { value: canaryOf("hello-database-password"), reaches: ["hello"] },
  "the administrator's password": {
    value: canaryOf("postgres-password"),
    reaches: ["postgres-configuration"],
  },
  "Postgres's key": {
    value: canaryOf("postgres-key"),
    reaches: ["postgres-configuration", "postgres-request"],
  },
  "the authority's key": {
    value: canaryOf("postgres-authority-key"),
    reaches: ["postgres-authority", "postgres-certificate"],
  },
};

let resources: readonly Recorded[];
beforeAll(async () => {
  ({ resources } = await recordGarden());
});

function holdersOf(value: string): string[] {
  return resources
    .filter(({ inputs }) => JSON.stringify(plain(inputs)).includes(value))
    .map(({ name }) => name)
    .toSorted();
}

test.for(Object.entries(canaries))("%s goes where it is needed, as a secret", ([, { value, reaches }]) => {
  expect(holdersOf(value)).toEqual(reaches);
  for (const { name, inputs } of resources) {
    const readable = readableTexts(inputs).filter(({ text }) => text.includes(value));
    expect(readable, name).toEqual([]);
  }
});

test("no readable text looks like any of them", () => {
  const readable = resources.flatMap(({ name, inputs }) => readableTexts(inputs, name));
  expect(readable.length).toBeGreaterThan(100);
  expect(readable.filter(({ text }) => /canary|yraNaC|SCRAM-SHA-256\$/.test(text))).toEqual([]);
});

test("no command's text holds a secret, not even a hidden one: a command that fails prints it", () => {
  for (const { name, inputs } of allOf(resources, COMMAND)) {
    const { stdin: _, ...others } = inputs;
    expect(JSON.stringify(plain(others)), name).not.toMatch(/canary|yraNaC|SCRAM-SHA-256/);
    for (const key of ["create", "update", "delete"])
      expect(isSecret(inputs[key]), `${name} ${key}`).toBe(false);
  }
});

test("what a script reads is one secret as a whole", () => {
  const commands = allOf(resources, COMMAND).filter(({ inputs }) => inputs.stdin !== undefined);
  const readable = commands.filter(({ inputs }) => !isSecret(inputs.stdin)).map(({ name }) => name);
  // The scripts themselves are no secret, and a plan shows what changes in them.
  expect(readable).toEqual(["host-scripts"]);
});

test("no command gets anything through its environment", () => {
  for (const { name, inputs } of allOf(resources, COMMAND)) expect(inputs.environment, name).toBeUndefined();
});

test("Postgres is given verifiers, and never a bot's password", () => {
  const input = JSON.parse(String(plain(find(resources, COMMAND, "hello-database").inputs.stdin))) as object;
  expect(input).toHaveProperty("verifier", expect.stringMatching(/^SCRAM-SHA-256\$4096:/));
  expect(JSON.stringify(input)).not.toContain(canaryOf("hello-database-password"));
  const settle = String(plain(find(resources, COMMAND, "postgres-settle").inputs.stdin));
  expect(settle).not.toContain(canaryOf("postgres-password"));
});

test("the environment of every bot is a secret", () => {
  for (const name of ["hello", "poller", "shop-bot"]) {
    expect(isSecret(find(resources, CONTAINER, name).inputs.envs), name).toBe(true);
  }
});
