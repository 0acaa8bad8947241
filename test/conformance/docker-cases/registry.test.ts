/** What the docker plugin does with registries: which image a tag stands for, and pulling with a login. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type PrivateRegistry, startPrivateRegistry } from "../../../sandbox/images/private-registry.ts";
import type { Access } from "../../../sandbox/images/registry-access.ts";
import { ImageStore, type StoredImage } from "../../../sandbox/images/store.ts";
import { pluginFor } from "../case.ts";
import { type Plugin, startPlugin } from "../harness.ts";
import { docker, makeFixtures, names, removeFixtures } from "./fixtures.ts";

const FUNCTION = "docker:index/getRegistryImage:getRegistryImage";
const remoteImage = { type: "docker:index/remoteImage:RemoteImage", name: "it" };
const right = { username: "me", password: "the right one" };

let folder: string;
let store: ImageStore;
let image: StoredImage;
let registry: PrivateRegistry | undefined;
let plugin: Plugin | undefined;

beforeAll(async () => {
  await makeFixtures();
  folder = mkdtempSync(join(tmpdir(), "botgarden-registries-"));
  store = new ImageStore(join(folder, "store"));
  image = await store.take(await docker("image", "inspect", "--format", "{{.Id}}", names.image));
});

afterEach(async () => {
  await plugin?.stop();
  await registry?.stop();
});

afterAll(async () => {
  await removeFixtures();
  rmSync(folder, { recursive: true, force: true });
});

/** A registry that serves the image, and a plugin that trusts it. */
async function meeting(by: Access["by"] | "nothing", login?: { username: string; password: string }) {
  registry = await startPrivateRegistry({
    ...{ address: "127.0.0.1", store },
    ...(by === "nothing" ? {} : { access: { ...right, by } }),
  });
  registry.put("team/it:1", image);
  const authorities = join(folder, "authority.pem");
  writeFileSync(authorities, registry.authority);
  plugin = await startPlugin({ ...pluginFor("docker"), env: { SSL_CERT_FILE: authorities } });
  const registryAuth = JSON.stringify([{ address: registry.name, ...login }]);
  await plugin.configure({ version: "5.2.0", ...(login === undefined ? {} : { registryAuth }) });
  return { registry, plugin, name: `${registry.name}/team/it:1` };
}

const faultOf = (reason: string) =>
  `invoking ${FUNCTION}: 1 error occurred:\n\t* Got error when attempting to fetch image version ${reason}\n\n`;

describe.each(["password", "token"] as const)("a registry that asks for a %s", (by) => {
  test("says with the right login which image a tag stands for, without sending it", async () => {
    const { registry, plugin, name } = await meeting(by, right);
    await expect(plugin.invoke(FUNCTION, { name })).resolves.toEqual({
      id: image.digest,
      insecureSkipVerify: false,
      name,
      sha256Digest: image.digest,
    });
    expect(registry.requests.filter((line) => line.startsWith("GET /v2/"))).toEqual([]);
  });

  test("refuses a wrong one", async () => {
    const { plugin, name } = await meeting(by, { ...right, password: "a wrong one" });
    const reason = by === "token" ? "got bad response from registry: 401" : "bad credentials: 401";
    await expect(plugin.invoke(FUNCTION, { name })).rejects.toHaveProperty(
      "details",
      faultOf(`team/it:1 from registry: ${reason} Unauthorized`),
    );
  });

  test("is pulled from with the right login, by tag and digest; another digest replaces", async () => {
    const { plugin, name } = await meeting(by, right);
    const pinned = `${name}@${image.digest}`;
    const { inputs } = await plugin.check(remoteImage, {}, { name: pinned, keepLocally: true });
    const { id, state } = await plugin.create(remoteImage, inputs);
    const own = await docker("image", "inspect", "--format", "{{.Id}}", names.image);
    expect(state).toMatchObject({ imageId: own, name: pinned });
    expect(state.repoDigest).toBe(`${name.replace(/:1$/, "")}@${image.digest}`);
    const moved = { ...inputs, name: `${name}@sha256:${"0".repeat(64)}` };
    const verdict = await plugin.diff(remoteImage, { id, state, oldInputs: inputs, inputs: moved });
    expect(verdict).toMatchObject({ replaces: ["name"], changes: "some" });
    await docker("rmi", pinned);
  });

  test("can't be pulled from with a wrong one", async () => {
    const { plugin, name } = await meeting(by, { ...right, password: "a wrong one" });
    const { inputs } = await plugin.check(remoteImage, {}, { name });
    await expect(plugin.create(remoteImage, inputs)).rejects.toHaveProperty(
      "details",
      expect.stringMatching(
        /error pulling image .*: Error response from daemon: .*(?:unauthorized|no basic auth)/,
      ),
    );
  });
});

test("a registry that asks for nothing", async () => {
  const { plugin, name } = await meeting("nothing");
  await expect(plugin.invoke(FUNCTION, { name })).resolves.toMatchObject({ sha256Digest: image.digest });
  await expect(plugin.invoke(FUNCTION, { name: `${name}0` })).rejects.toHaveProperty(
    "details",
    faultOf("team/it:10 from registry: got bad response from registry: 404 Not Found"),
  );
});

test("a registry that is down, or not trusted", async () => {
  const { registry, plugin, name } = await meeting("nothing");
  await registry.stop();
  const url = `https://${registry.name}/v2/team/it/manifests/1`;
  await expect(plugin.invoke(FUNCTION, { name })).rejects.toHaveProperty(
    "details",
    faultOf(
      `team/it:1 from registry: Error during registry request: Head "${url}": dial tcp ${registry.name}: connect: connection refused`,
    ),
  );
  await plugin.stop();
  const stranger = await meeting("nothing");
  await stranger.plugin.stop();
  const wary = await startPlugin(pluginFor("docker"));
  try {
    await wary.configure({ version: "5.2.0" });
    await expect(wary.invoke(FUNCTION, { name: stranger.name })).rejects.toHaveProperty(
      "details",
      expect.stringMatching(
        /tls: failed to verify certificate: x509: certificate signed by unknown authority\n\n$/,
      ),
    );
  } finally {
    await wary.stop();
  }
});
