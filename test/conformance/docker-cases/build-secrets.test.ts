/** What RemoteImage does with the secrets of a build, and with the traps that the product keeps away from. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PropertyMap } from "../../../sandbox/plugins/framework/values.ts";
import { pluginFor } from "../case.ts";
import { type Plugin, startPlugin } from "../harness.ts";
import { changeContext, docker, makeFixtures, names, removeFixtures } from "./fixtures.ts";

const TOKEN = "canary-env-yraNaC";
const FILE = "canary-file-yraNaC";
const subject = { type: "docker:index/remoteImage:RemoteImage", name: "it" };
const secretFile = `${names.context}-netrc`;
/** Tells in the image whether the secrets were there, and not what they are. No run finds another's step in the cache. */
const RECIPE = `FROM scratch
COPY root /
COPY src /src
RUN --mount=type=secret,id=npm --mount=type=secret,id=netrc,required=true ["/bin/sh", "-c", \\
  ": ${names.suffix}; x=$(cat /run/secrets/npm); y=$(cat /run/secrets/netrc) && echo \\"\${#x} \${#y}\\" > /lengths"]
`;

let plugin: Plugin;

beforeAll(async () => {
  await makeFixtures();
  writeFileSync(secretFile, FILE);
  changeContext("Secrets", RECIPE);
  const command = pluginFor("docker");
  plugin = await startPlugin({ ...command, env: { ...command.env, CONFORMANCE_TOKEN: TOKEN } });
  await plugin.configure({ version: "5.2.0" });
});

afterAll(async () => {
  await plugin?.stop();
  rmSync(secretFile, { force: true });
  await removeFixtures();
});

function given(trigger: string, change: PropertyMap = {}): PropertyMap {
  const build = {
    context: names.context,
    dockerfile: `${names.context}/Secrets`,
    useLegacyBuilder: true,
    builder: "default",
    secrets: [
      { id: "npm", env: "CONFORMANCE_TOKEN" },
      { id: "netrc", src: secretFile },
    ],
    ...change,
  };
  return { name: names.builtImage, keepLocally: true, triggers: { context: trigger }, build };
}

async function made(inputs: PropertyMap) {
  const checked = await plugin.check(subject, {}, inputs);
  expect(checked.failures).toEqual([]);
  const { id, state } = await plugin.create(subject, checked.inputs);
  if (typeof state.imageId !== "string") throw new Error("the plugin tells no image");
  return { id, state, image: state.imageId, inputs: checked.inputs };
}

const inImage = (...files: string[]) => docker("run", "--rm", names.builtImage, "/bin/cat", ...files);

test("the build sees them, and nothing keeps them", async () => {
  const { state, image } = await made(given("1"));
  expect(await inImage("/lengths")).toBe(`${TOKEN.length} ${FILE.length}`);
  expect(image).toBe(await docker("inspect", "--format", "{{.Id}}", names.builtImage));
  const history = await docker("history", "--no-trunc", "--format", "{{json .}}", names.builtImage);
  const configuration = await docker("inspect", names.builtImage);
  const lines = JSON.stringify(plugin.lines);
  for (const place of [JSON.stringify(state), history, configuration, lines]) {
    expect(place).not.toContain("yraNaC");
  }
});

test("the next build takes the name, refresh sees it, and what is removed is no image", async () => {
  const before = await made(given("1"));
  changeContext("src/app.txt", "changed\n");
  const after = await made(given("2"));
  expect(after.image).not.toBe(before.image);
  await plugin.delete(subject, before.id, before.state, before.inputs);
  expect(await docker("inspect", "--format", "{{.Id}}", names.builtImage)).toBe(after.image);
  expect(await docker("inspect", "--format", "{{.Id}}", before.image)).toBe(before.image);
  const found = await plugin.read(subject, after.id, after.state, after.inputs);
  expect(found).toMatchObject({ id: after.id, state: { imageId: after.image } });
  const question = { id: after.id, state: found.state, oldInputs: found.inputs, inputs: after.inputs };
  expect(await plugin.diff(subject, question)).toMatchObject({ changes: "none" });
  await docker("rmi", before.image);
});

test(".dockerignore is honoured, also for the Dockerfile itself", async () => {
  await made(given("1"));
  const kept = await inImage("/src/app.txt", "/src/deep/kept.txt");
  expect(kept).toBe("changed\nkept");
  await expect(inImage("/src/deep/lost.txt")).rejects.toThrow(/No such file/);
  const ignore = join(names.context, ".dockerignore");
  const text = readFileSync(ignore, "utf8");
  writeFileSync(ignore, `${text}Secrets\n`);
  await expect(made(given("1"))).rejects.toHaveProperty("details", expect.stringMatching(/read dockerfile/));
  writeFileSync(ignore, text);
});

test("an ignore file of the Dockerfile's own is not read", async () => {
  const own = join(names.context, "Secrets.dockerignore");
  writeFileSync(own, "src/app.txt\n");
  await made(given("3"));
  expect(await inImage("/src/app.txt")).toBe("changed");
  rmSync(own);
});

test("a variable that isn't set is an empty secret, and a missing file a failure", async () => {
  const netrc = { id: "netrc", src: secretFile };
  // The step before the secret, as another secret alone repeats no step.
  changeContext("src/app.txt", "changed again\n");
  await made(given("4", { secrets: [{ id: "npm", env: "CONFORMANCE_NOT_SET" }, netrc] }));
  expect(await inImage("/lengths")).toBe(`0 ${FILE.length}`);
  const missing = given("5", { secrets: [{ id: "netrc", src: `${secretFile}-gone` }] });
  await expect(made(missing)).rejects.toHaveProperty(
    "details",
    expect.stringMatching(/Error running legacy build: failed to stat .*-netrc-gone/),
  );
});

test("a build that fails says how it ended", async () => {
  changeContext("Failing", 'FROM scratch\nCOPY root /\nRUN ["/bin/sh", "-c", "echo last words; exit 7"]\n');
  const failing = given("6", { dockerfile: `${names.context}/Failing` });
  await expect(made(failing)).rejects.toHaveProperty(
    "details",
    expect.stringMatching(/Error running legacy build: .*exit code: 7/),
  );
});
