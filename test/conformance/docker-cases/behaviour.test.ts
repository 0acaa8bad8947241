/** What the docker plugin does to containers, networks and images, beyond what it answers. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { mapWithoutSecrets, type PropertyMap } from "../../../sandbox/plugins/framework/values.ts";
import { pluginFor } from "../case.ts";
import { type Plugin, startPlugin } from "../harness.ts";
import { changeContext, docker, makeFixtures, names, removeFixtures, untilStopped } from "./fixtures.ts";
import { halfMadeBy } from "./half-made.ts";

const container = { type: "docker:index/container:Container", name: "it" };
const network = { type: "docker:index/network:Network", name: "it" };
const image = { type: "docker:index/image:Image", name: "it" };

let plugin: Plugin;
let shared: string;

beforeAll(async () => {
  await makeFixtures();
  shared = mkdtempSync(join(tmpdir(), "botgarden-shared-"));
  plugin = await startPlugin(pluginFor("docker"));
  await plugin.configure({ version: "5.2.0" });
});

afterAll(async () => {
  await plugin?.stop();
  await removeFixtures();
  rmSync(shared, { recursive: true, force: true });
});

async function checked(
  subject: typeof container,
  inputs: PropertyMap,
  olds: PropertyMap = {},
): Promise<PropertyMap> {
  const answer = await plugin.check(subject, olds, inputs);
  expect(answer.failures).toEqual([]);
  return answer.inputs;
}

async function deployed(subject: typeof container, given: PropertyMap) {
  const inputs = await checked(subject, given);
  const { id, state } = await plugin.create(subject, inputs);
  return {
    id,
    state: mapWithoutSecrets(state),
    inputs,
    remove: () => plugin.delete(subject, id, state, inputs),
  };
}

async function inspect(id: string, format: string): Promise<string> {
  return docker("inspect", "--format", format, id);
}

describe("a container", () => {
  test("gets its files, networks, limits and environment", async () => {
    const made = await deployed(container, {
      image: names.image,
      command: untilStopped,
      envs: ["A=1"],
      uploads: [
        { file: "/up/plain.txt", content: "plain" },
        { file: "/up/run.sh", contentBase64: Buffer.from("bytes").toString("base64"), executable: true },
        { file: "/up/secret", content: "secret", permissions: "0600" },
      ],
      networksAdvanced: [{ name: names.network, aliases: ["alias-of-it"], ipv4Address: names.address }],
      memory: 32,
      memorySwap: 32,
      cpus: "0.5",
      capabilities: { adds: ["NET_ADMIN"], drops: ["ALL"] },
      securityOpts: ["systempaths=unconfined"],
    });
    expect(await docker("exec", made.id, "cat", "/up/plain.txt", "/up/run.sh", "/up/secret")).toBe(
      "plainbytessecret",
    );
    const test = (expression: string) => docker("exec", made.id, "sh", "-c", expression);
    await test("test -x /up/run.sh && test ! -x /up/plain.txt");
    expect(await inspect(made.id, "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}")).toBe(
      "33554432 500000000",
    );
    expect(await inspect(made.id, "{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}")).toBe(
      "[CAP_NET_ADMIN] [ALL]",
    );
    expect(await inspect(made.id, "{{.HostConfig.MaskedPaths}} {{.Config.Env}}")).toMatch(/^\[\] \[A=1[ \]]/);
    const settings = JSON.parse(await inspect(made.id, "{{json .NetworkSettings.Networks}}")) as Record<
      string,
      { Aliases: string[]; IPAddress: string }
    >;
    expect(Object.keys(settings)).toEqual([names.network]);
    expect(settings[names.network]?.Aliases).toContain("alias-of-it");
    expect(settings[names.network]?.IPAddress).toBe(names.address);
    await made.remove();
    await expect(inspect(made.id, "{{.Id}}")).rejects.toThrow(/No such object/);
  });

  test("is given its grace when it is removed, and is killed without one", async () => {
    // Docker tells also one without a grace to stop, right before it kills it; so what a program does then takes its time.
    const writes = (file: string): PropertyMap => ({
      image: names.image,
      command: [
        "/bin/sh",
        "-c",
        `trap 'sleep 3; echo stopped > /shared/${file}; exit 0' TERM; echo up > /shared/${file}; while :; do sleep 1; done`,
      ],
      volumes: [{ hostPath: shared, containerPath: "/shared" }],
      healthcheck: {
        tests: ["CMD-SHELL", `cat /shared/${file}`],
        interval: "100ms",
        timeout: "5s",
        retries: 30,
      },
      wait: true,
    });
    const graceful = await deployed(container, { ...writes("graceful"), destroyGraceSeconds: 20 });
    await graceful.remove();
    expect(readFileSync(join(shared, "graceful"), "utf8")).toBe("stopped\n");
    const killed = await deployed(container, writes("killed"));
    await killed.remove();
    expect(readFileSync(join(shared, "killed"), "utf8")).toBe("up\n");
  });

  test("that doesn't get healthy stays, half made", async () => {
    const inputs = await checked(container, {
      image: names.image,
      command: untilStopped,
      healthcheck: { tests: ["CMD", "false"], interval: "200ms", retries: 1 },
      wait: true,
      waitTimeout: 2,
    });
    const left = await halfMadeBy(plugin.create(container, inputs));
    expect(left.reasons).toEqual([
      expect.stringMatching(
        /^creating urn:.*: 1 error occurred:\n\t\* container failed to be in healthy state\n\n$/,
      ),
    ]);
    expect(await inspect(left.id, "{{.State.Running}}")).toBe("true");
    expect(left.state).toMatchObject({
      entrypoints: null,
      envs: [],
      labels: [],
      networkDatas: null,
      command: untilStopped,
    });
    const question = { id: left.id, state: left.state, oldInputs: inputs, inputs };
    expect(await plugin.diff(container, question)).toMatchObject({
      replaces: ["entrypoints"],
      deleteBeforeReplace: true,
    });
    const found = await plugin.read(container, left.id, left.state, inputs);
    expect(await plugin.diff(container, { ...question, state: found.state })).toMatchObject({
      changes: "none",
    });
    await plugin.delete(container, left.id, left.state, inputs);
  });

  test("without a health check can't be waited for", async () => {
    const inputs = await checked(container, { image: names.image, command: untilStopped, wait: true });
    const left = await halfMadeBy(plugin.create(container, inputs));
    expect(left.reasons[0]).toMatch(
      /you have supplied a 'wait' argument, but the container does not have a healthcheck/,
    );
    await plugin.delete(container, left.id, left.state, inputs);
  });

  test("with a read-only root can't be given files", async () => {
    const inputs = await checked(container, {
      image: names.image,
      readOnly: true,
      uploads: [{ file: "/x", content: "y" }],
    });
    const left = await halfMadeBy(plugin.create(container, inputs));
    expect(left.reasons[0]).toMatch(/Unable to upload volume content: .*read-only/);
    await plugin.delete(container, left.id, left.state, inputs);
  });

  test("that stopped shows as a change, and the update starts it", async () => {
    const script = "trap 'exit 0' TERM; echo > /ready; while :; do sleep 1; done";
    const made = await deployed(container, { image: names.image, command: ["/bin/sh", "-c", script] });
    // The first process of a container gets no signal that it does not wait for.
    await vi.waitFor(() => docker("exec", made.id, "cat", "/ready"), { timeout: 60_000 });
    await docker("stop", made.id);
    const found = await plugin.read(container, made.id, made.state, made.inputs);
    expect(found.state).toMatchObject({ mustRun: false, exitCode: 0 });
    const question = { id: made.id, state: found.state, oldInputs: found.inputs, inputs: made.inputs };
    expect(await plugin.diff(container, question)).toMatchObject({ diffs: ["mustRun"], replaces: [] });
    expect(await plugin.update(container, question)).toMatchObject({ mustRun: true });
    expect(await inspect(made.id, "{{.State.Running}}")).toBe("true");
    await made.remove();
  });

  test("that was removed by hand is gone", async () => {
    const made = await deployed(container, { image: names.image });
    await docker("rm", "-f", made.id);
    expect(await plugin.read(container, made.id, made.state, made.inputs)).toMatchObject({ id: "" });
    await made.remove();
  });

  test("gets a new memory limit from the engine, and is half made when that is refused", async () => {
    const given = { image: names.image, command: untilStopped, memory: 32, memorySwap: 32 };
    const made = await deployed(container, given);
    const change = async (memory: number) => {
      const inputs = await checked(container, { ...given, memory, memorySwap: 64 }, made.inputs);
      return { id: made.id, state: made.state, oldInputs: made.inputs, inputs };
    };
    await plugin.update(container, await change(64));
    expect(await inspect(made.id, "{{.HostConfig.Memory}}")).toBe(String(64 * 1024 * 1024));
    const left = await halfMadeBy(plugin.update(container, await change(1)));
    expect(left.reasons[0]).toMatch(
      /^updating urn:[\s\S]*Unable to update a container: Error response from daemon: Minimum memory/,
    );
    expect(left.state).toMatchObject({ memory: 1 });
    await made.remove();
  });

  test("that is attached to is waited for, with what it printed", async () => {
    const made = await deployed(container, {
      image: names.image,
      command: ["/bin/sh", "-c", "echo printed; exit 3"],
      attach: true,
      logs: true,
      mustRun: false,
    });
    expect(made.state).toMatchObject({ containerLogs: "printed\n", exitCode: 3 });
    await made.remove();
  });
});

test("a network in use is removed once its last container has gone", async () => {
  const name = `in-use-${names.suffix}`;
  const made = await deployed(network, { name });
  const guest = await docker("run", "-d", "--network", name, names.image);
  const removed = made.remove();
  await docker("rm", "-f", guest);
  await removed;
  await expect(docker("network", "inspect", made.id)).rejects.toThrow(/[Nn]o such network|not found/);
});

describe("an image", () => {
  const given: PropertyMap = {
    imageName: names.builtImage,
    skipPush: true,
    build: { context: names.context, args: { VERSION: "built" } },
  };

  test("has the context's files, but not those that .dockerignore leaves out", async () => {
    const { state } = await plugin.create(image, await checked(image, given));
    expect(state.repoDigest).toBe(await docker("inspect", "--format", "{{.Id}}", names.builtImage));
    const script =
      "cat /version /src/app.txt /src/noise.log /src/deep/kept.txt; test ! -e /src/deep/lost.txt";
    const printed = await docker("run", "--rm", names.builtImage, "/bin/sh", "-c", script);
    expect(printed).toBe("built\napp\nkept: the pattern has no folder\nkept");
    const progress = plugin.lines.map(({ line }) => line).join("\n");
    expect(progress).toMatch(
      /Starting Docker build[\s\S]*COPY src \/src[\s\S]*Image built successfully, local id/,
    );
  });

  test("has another digest when a file of its context changes, and only then", async () => {
    const digest = async () => {
      const { build } = await checked(image, given);
      return (build as PropertyMap).contextDigest;
    };
    const before = await digest();
    changeContext("noise.log", "changed, but left out\n");
    expect(await digest()).toBe(before);
    changeContext("src/app.txt", "changed\n");
    expect(await digest()).not.toBe(before);
  });

  test("that can't be built says what the builder said", async () => {
    changeContext("Broken", 'FROM scratch\nCOPY root /\nRUN ["/bin/sh", "-c", "echo last words; exit 7"]\n');
    const inputs = await checked(image, {
      ...given,
      build: { context: names.context, dockerfile: `${names.context}/Broken` },
    });
    await expect(plugin.create(image, inputs)).rejects.toHaveProperty(
      "details",
      expect.stringMatching(/^error reading build output: .*exit code: 7/),
    );
    expect(plugin.lines.some(({ line }) => line.includes("last words"))).toBe(true);
  });
});
