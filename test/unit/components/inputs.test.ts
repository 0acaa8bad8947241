/** Everything that a user writes is checked together, and before any resource is asked for. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test } from "vitest";
import { type Inputs, readInputs } from "../../../components/inputs.ts";
import { SettingsError } from "../../../settings/fault.ts";
import { tokenOf } from "../support/bots.ts";
import { record, valueOfOutput } from "../support/recorder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

afterEach(() => {
  delete process.env.PULUMI_CONFIG_SECRET_KEYS;
  pulumi.runtime.setAllConfig({});
});

interface Written {
  readonly config?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  /** The text of each bot's file, by the bot's name. */
  readonly bots?: Readonly<Record<string, string>>;
}

const good: Required<Written> = {
  config: {
    "botgarden:host": "203.0.113.10",
    "botgarden:domain": "bots.example.com",
    "hello:token": tokenOf("hello"),
  },
  secrets: ["hello:token"],
  bots: { hello: 'export default { image: "example/hello:1" };\n' },
};

/** Reads the inputs of a project with these files; how many resources were asked for is part of the answer. */
async function read(written: Written): Promise<{ inputs?: Inputs; message?: string; resources: number }> {
  const { config, secrets, bots } = { ...good, ...written };
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(bots)) writeFileSync(join(folder, `${name}.ts`), text);
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(secrets);
  const { resources, result } = await record(() => {
    pulumi.runtime.setAllConfig({ ...config }, [...secrets]);
    return readInputs(folder).then(
      (inputs) => ({ inputs }),
      (error: unknown) => {
        expect(error).toBeInstanceOf(SettingsError);
        return { message: (error as SettingsError).message };
      },
    );
  });
  return { ...result, resources: resources.filter(({ custom }) => custom).length };
}

test("good settings, bots and secrets are read", async () => {
  const { inputs, resources } = await read({});
  expect(resources).toBe(0);
  expect(inputs?.settings.publicName).toEqual({ kind: "domain", name: "bots.example.com" });
  expect(inputs?.bots.map(({ name }) => name)).toEqual(["hello"]);
  const token = inputs?.secrets.get("hello")?.token;
  if (token === undefined) throw new Error("no token was read");
  expect(await valueOfOutput(token)).toBe(tokenOf("hello"));
});

test("faults of the settings, the bots and their secrets come in one message, and nothing is asked for", async () => {
  const { message, resources } = await read({
    config: {
      "botgarden:domain": "bots.example.com",
      "botgarden:colour": "blue",
      "hello:token": tokenOf("hello"),
    },
    secrets: [],
    bots: {
      ...good.bots,
      broken: "export default { image: 7 };\n",
      second: 'export default { image: "example/second:1" };\n',
    },
  });
  expect(resources).toBe(0);
  for (const part of ["botgarden:host", "botgarden:colour", "broken.ts: image"])
    expect(message).toContain(part);
  expect(message).not.toContain(tokenOf("hello"));
  expect(message).not.toMatch(/\n\s+at /);
});

test("missing and readable secrets are told together with faults of the settings", async () => {
  const { message } = await read({
    config: { "botgarden:domain": "bots.example.com", "hello:token": tokenOf("hello") },
    secrets: [],
    bots: { ...good.bots, second: 'export default { image: "example/second:1" };\n' },
  });
  for (const part of ["botgarden:host", "hello:token", "second:token"]) expect(message).toContain(part);
  expect(message).not.toContain(tokenOf("hello"));
});

test("bots that may open more connections than Postgres has are a fault", async () => {
  const { message } = await read({
    config: { ...good.config, "botgarden:postgres": '{"maxConnections":20}' },
    bots: { hello: 'export default { image: "example/hello:1", database: { connectionLimit: 30 } };\n' },
  });
  expect(message).toContain("maxConnections");
  expect(message).toContain("30");
});

test("a garden without bots is a garden", async () => {
  expect((await read({ bots: {} })).inputs?.bots).toEqual([]);
});
