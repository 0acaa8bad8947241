/** Everything that a user writes is checked together, and before any resource is asked for. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Inputs, readInputs } from "../../../components/inputs.ts";
import { SettingsError } from "../../../settings/fault.ts";
import { tokenOf } from "../support/bots.ts";
import { record, valueOfOutput } from "../support/recorder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeCertificate } from "../telegram/certificates.ts";

afterEach(() => {
  delete process.env.PULUMI_CONFIG_SECRET_KEYS;
  pulumi.runtime.setAllConfig({});
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

interface Written {
  readonly config?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  /** The text of each bot's file, by the bot's name. */
  readonly bots?: Readonly<Record<string, string>>;
  /** Other files of the project. */
  readonly files?: Readonly<Record<string, string>>;
}

const good: Required<Written> = {
  config: {
    "botgarden:host": "203.0.113.10",
    "botgarden:domain": "bots.example.com",
    "hello:token": tokenOf("hello"),
  },
  secrets: ["hello:token"],
  bots: { hello: 'export default { image: "example/hello:1" };\n' },
  files: {},
};

/** Reads the inputs of a project with these files; how many resources were asked for is part of the answer. */
async function read(written: Written): Promise<{ inputs?: Inputs; message?: string; resources: number }> {
  const { config, secrets, bots, files } = { ...good, ...written };
  const project = temporaryFolder();
  const folder = join(project, "bots");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
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

describe("the secrets of a build", () => {
  const build = '{ build: "./hello", secrets: { npm: { env: "UNIT_NPM_TOKEN" } } }';
  const written: Written = {
    bots: { hello: `export default { image: ${build} };\n` },
    files: { "bots/hello/Dockerfile": "FROM scratch\n" },
  };

  test("are refused where they are missing, before anything is asked for", async () => {
    vi.stubEnv("UNIT_NPM_TOKEN", undefined);
    expect(await read(written)).toEqual({
      resources: 0,
      message:
        'bots/hello.ts: image.secrets.npm.env: names an environment variable that is not set, got "UNIT_NPM_TOKEN". Set it in the shell that runs pulumi: read -rs UNIT_NPM_TOKEN && export UNIT_NPM_TOKEN.',
    });
  });

  test("are known by their names only", async () => {
    vi.stubEnv("UNIT_NPM_TOKEN", "canary-yraNaC");
    const { inputs, message } = await read(written);
    expect(message).toBeUndefined();
    expect(inputs?.bots[0]?.image).toMatchObject({ secrets: [{ id: "npm", variable: "UNIT_NPM_TOKEN" }] });
    expect(JSON.stringify(inputs)).not.toContain("yraNaC");
  });

  test("are not needed by a bot that is pinned, nor by a rollback of another", async () => {
    vi.stubEnv("UNIT_NPM_TOKEN", undefined);
    const pins = JSON.stringify({ hello: `sha256:${"0".repeat(64)}` });
    const config = { ...good.config, "botgarden:pins": pins };
    expect((await read({ ...written, config })).message).toBeUndefined();
    vi.stubEnv("BOTGARDEN_WITHOUT_REGISTRIES", "1");
    expect((await read(written)).message).toBeUndefined();
  });
});

test("a garden without bots is a garden", async () => {
  expect((await read({ bots: {} })).inputs?.bots).toEqual([]);
});

describe("the files that settings name", () => {
  const { cert, key } = makeCertificate({ cn: "bots.example.com", san: "DNS:bots.example.com" });
  const page = "<!doctype html><title>Garden</title><h1>Grüße</h1>\n";
  const files = { "fullchain.pem": cert, "page.html": page };
  const config = {
    ...good.config,
    "botgarden:certificate": '{"source":"files","chainFile":"fullchain.pem"}',
    "botgarden:certificateKey": key,
    "botgarden:edge": '{"page":"./page.html"}',
  };
  const secrets = [...good.secrets, "botgarden:certificateKey"];

  test("are found in the project and read; the key is a secret", async () => {
    const warned = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const { inputs, resources } = await read({ config, secrets, files });
    expect(resources).toBe(0);
    expect(inputs?.page).toBe(page);
    expect(inputs?.ownCertificate?.chain).toBe(cert);
    const own = inputs?.ownCertificate?.key;
    if (own === undefined) throw new Error("no key was read");
    expect(await pulumi.isSecret(own)).toBe(true);
    expect(await valueOfOutput(own)).toBe(key);
    // The certificate of the tests lives for two days.
    expect(warned.mock.calls.map(([line]) => line)).toEqual([
      expect.stringContaining("the certificate ends in"),
    ]);
  });

  test("are told with all other faults, and without the key", async () => {
    const { message = "", resources } = await read({
      config: { ...config, "botgarden:edge": '{"page":"nowhere.html"}' },
      secrets: [],
      files: { "fullchain.pem": cert.replace("BEGIN", "BEGUN") },
    });
    expect(resources).toBe(0);
    const paths = message.split("\n").map((line) => line.trim().split(": ").slice(0, 2).join(": "));
    expect(paths.slice(1)).toEqual([
      "Pulumi.unit.yaml: botgarden:certificate.chainFile",
      "Pulumi.unit.yaml: botgarden:certificateKey",
      "Pulumi.unit.yaml: botgarden:edge.page",
      "stack settings: hello:token",
    ]);
    expect(message).toContain('names "nowhere.html", which doesn\'t exist.');
    for (const line of key.split("\n").slice(1, -2)) expect(message).not.toContain(line);
  });

  test("are none if no setting names one; then a key is in the way", async () => {
    expect((await read({ files })).inputs).not.toHaveProperty("ownCertificate");
    expect((await read({ files })).inputs).not.toHaveProperty("page");
    const { message } = await read({ config: { ...good.config, "botgarden:certificateKey": key }, secrets });
    expect(message).toContain("botgarden:certificateKey: is given, but");
  });
});

describe("logins of registries", () => {
  const registries = JSON.stringify({ "ghcr.io": { username: "me", password: "canary-yraNaC" } });
  const config = { ...good.config, "botgarden:registries": registries };

  test("are read with their passwords as secrets", async () => {
    const { inputs } = await read({ config, secrets: [...good.secrets, "botgarden:registries"] });
    const [login] = inputs?.registries ?? [];
    if (login === undefined) throw new Error("no login was read");
    expect(login).toMatchObject({ registry: "ghcr.io", username: "me" });
    expect(await pulumi.isSecret(login.password)).toBe(true);
    expect(await valueOfOutput(login.password)).toBe("canary-yraNaC");
    expect(JSON.stringify(inputs?.settings)).not.toContain("yraNaC");
    expect((await read({})).inputs?.registries).toEqual([]);
  });

  test("are refused if they were not stored as secrets", async () => {
    const { message } = await read({ config });
    expect(message).toBe(
      `Pulumi.unit.yaml: botgarden:registries["ghcr.io"].password: was set without --secret and can be read in the stack's file, so if the file was shared, a new password is needed. Set it with: pulumi config set --secret --path 'botgarden:registries["ghcr.io"].password'`,
    );
  });
});
