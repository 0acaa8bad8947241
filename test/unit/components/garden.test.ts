/** Rules that hold for every resource of a whole garden. */
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import type { Garden } from "../../../components/garden.ts";
import { stackValues } from "../support/bots.ts";
import { recordGarden } from "../support/garden.ts";
import { allOf, COMMAND, find, plain, type Recorded, type Recording, VOLUME } from "../support/recorder.ts";

let garden: Recording<Garden>;
let resources: readonly Recorded[];
beforeAll(async () => {
  garden = await recordGarden();
  resources = garden.resources;
});

const label = ({ type, name }: Recorded) => `${type} ${name}`;

describe("names", () => {
  test("no two resources have one type and name", () => {
    const names = resources.map(label);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test("a child's name begins with its component's", () => {
    const children = resources.filter(({ custom }) => custom);
    expect(children.length).toBeGreaterThan(20);
    const strays = children.filter((child) => {
      const parent = parentOf(child)?.name;
      // The certificate is the garden's own: the edge and the bots need it, whatever kind it is.
      if (parent === "garden") return !/^(certificate|certbot)(-|$)/.test(child.name);
      return parent === undefined || (child.name !== parent && !child.name.startsWith(`${parent}-`));
    });
    expect(strays.map(label)).toEqual([]);
  });
});

describe("ownership", () => {
  test("everything but the stack and the garden hangs below a component", () => {
    for (const one of resources) {
      const parent = parentOf(one);
      if (one.type === "pulumi:pulumi:Stack" || one.type === "botgarden:garden:Garden") continue;
      expect(parent, label(one)).toBeDefined();
      expect(parent?.custom, label(one)).toBe(false);
    }
  });

  test("a bot's resources hang below that bot alone", () => {
    const ofBot = resources.filter(({ name }) => name.startsWith("shop-bot"));
    expect(ofBot.length).toBeGreaterThan(4);
    for (const one of ofBot) {
      expect(one.type === "botgarden:bot:Bot" ? one.name : parentOf(one)?.name).toBe("shop-bot");
    }
  });

  test("whatever Docker makes is made on the garden's host", () => {
    const made = resources.filter(({ type }) => type.startsWith("docker:"));
    const provider = find(resources, "pulumi:providers:docker", "host-docker");
    expect(plain(provider.inputs)).toMatchObject({ host: "ssh://root@203.0.113.10:22" });
    for (const one of made) expect(one.options.provider, label(one)).toBe(provider.resource);
  });

  test("the Docker plugin is not asked before Docker is installed", () => {
    const provider = find(resources, "pulumi:providers:docker", "host-docker");
    const ready = find(resources, COMMAND, "host-ready");
    expect(dependenciesOf(provider)).toContain(ready.resource);
    expect(dependenciesOf(ready)).toContain(find(resources, COMMAND, "host-scripts").resource);
  });

  test("every script runs on a host that has it", () => {
    const ready = find(resources, COMMAND, "host-ready").resource;
    for (const command of allOf(resources, COMMAND)) {
      if (["host-scripts", "host-ready"].includes(command.name)) continue;
      expect(dependenciesOf(command), command.name).toContain(ready);
    }
  });
});

describe("data", () => {
  test("volumes outlive the garden, under names that never change by themselves", () => {
    const volumes = allOf(resources, VOLUME);
    expect(volumes.map(({ inputs }) => plain(inputs))).toEqual([
      { name: "botgarden-postgres" },
      { name: "botgarden-shop-bot-data" },
    ]);
    for (const { name, options } of volumes) expect(options.retainOnDelete, name).toBe(true);
  });

  test("a bot's database is dropped with the bot, but kept when the whole garden goes", () => {
    const database = find(resources, COMMAND, "hello-database");
    expect(plain(database.inputs.delete)).toMatch(/postgres-database drop hello$/);
    expect(database.options.deletedWith).toBe(find(resources, COMMAND, "host-ready").resource);
    const host = find(resources, COMMAND, "host-ready").inputs;
    expect(host.delete).toBeUndefined();
  });

  test("only bots that want one get a database", () => {
    const databases = allOf(resources, COMMAND).filter(({ name }) => name.endsWith("-database"));
    expect(databases.map(({ name }) => name)).toEqual(["hello-database"]);
  });
});

describe("commands", () => {
  test("run again on an update exactly as they were created; only a webhook is replaced, when its bot is another", () => {
    for (const { name, inputs, options } of allOf(resources, COMMAND)) {
      expect(inputs.create, name).toBeDefined();
      expect(inputs.update, name).toEqual(inputs.create);
      // Not the token: a new one of the same bot leaves its webhook where it is.
      expect(plain(inputs.triggers), name).toEqual(
        name.endsWith("-webhook") ? [expect.stringMatching(/^\d+$/)] : undefined,
      );
      expect(options.deleteBeforeReplace, name).toBe(name.endsWith("-webhook") ? true : undefined);
    }
  });

  test("show nothing of standard output and keep no former output", () => {
    for (const { name, inputs } of allOf(resources, COMMAND)) {
      expect(inputs, name).toMatchObject({ logging: "stderr", addPreviousOutputInEnv: false });
    }
  });

  test("carry the digest of their script, so that they run again when it changes; removals do not", () => {
    for (const { name, inputs } of allOf(resources, COMMAND)) {
      if (name === "host-scripts") continue;
      expect(plain(inputs.create), name).toMatch(/^\/opt\/botgarden\/bin\/[a-z-]+ .+ # [0-9a-f]{8}$/);
      if (inputs.delete !== undefined)
        expect(plain(inputs.delete), name).toMatch(/^\/opt\/botgarden\/bin\/[^#]+$/);
    }
  });

  test("name a container by an argument that changes with it", () => {
    const line = (name: string) => plain(find(resources, COMMAND, name).inputs.create);
    expect(line("hello-release")).toContain(" switch hello hello-0a1b2c3 ");
    expect(line("edge-settle")).toContain(" settle edge-id");
    expect(line("postgres-settle")).toContain(" settle postgres-id");
  });

  test("a login that is not root becomes root without a question", async () => {
    const { resources: others } = await recordGarden({
      values: { ...stackValues, host: "deploy@203.0.113.10" },
    });
    for (const { name, inputs } of allOf(others, COMMAND)) {
      for (const key of ["create", "update", "delete"]) {
        const line = plain(inputs[key]);
        if (line !== undefined) expect(line, `${name} ${key}`).toMatch(/^sudo -n /);
      }
    }
    expect(plain(find(others, COMMAND, "host-ready").inputs.create)).toContain("/prepare-host deploy ");
  });
});

test("a preview plans the same resources as an up makes", async () => {
  const preview = await recordGarden({}, { preview: true });
  expect(preview.resources.map(label).toSorted()).toEqual(resources.map(label).toSorted());
});

test("the outputs say where the garden is, with the password as a secret", async () => {
  const { result } = garden;
  expect(result.webhookBase).toBe("https://bots.example.com/webhook");
  expect(result.healthUrl).toBe("https://bots.example.com/healthz");
  expect(Object.fromEntries(Object.entries(result.bots).map(([name, { url }]) => [name, url]))).toEqual({
    hello: "https://bots.example.com/webhook/hello",
    poller: null,
    "shop-bot": "https://bots.example.com/webhook/shop-bot",
  });
  expect(await pulumi.isSecret(result.databasePassword)).toBe(true);
});

function parentOf(child: Recorded): Recorded | undefined {
  const { parent } = child.options;
  return parent === undefined ? undefined : resources.find(({ resource }) => resource === parent);
}

function dependenciesOf({ options }: Recorded): unknown[] {
  return [options.dependsOn ?? []].flat();
}
