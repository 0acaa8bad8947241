import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { status } from "@grpc/grpc-js";
import type pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { decode, encode } from "../../sandbox/plugins/framework/values.ts";
import { againstOfficial, pluginFor } from "./case.ts";
import { type Plugin, promised, startPlugin } from "./harness.ts";

/** What the recordings of the official plugins show before the first resource. */
const PLUGINS = [
  {
    name: "random",
    version: "4.21.2",
    handshake: "Handshake is not yet implemented",
    flags: {
      acceptsecrets: false,
      supportspreview: true,
      acceptresources: true,
      acceptoutputs: false,
      autonaming: true,
    },
    added: {},
  },
  {
    name: "tls",
    version: "5.6.1",
    handshake: "Handshake is not yet implemented",
    flags: {
      acceptsecrets: false,
      supportspreview: true,
      acceptresources: true,
      acceptoutputs: false,
      autonaming: true,
    },
    added: {},
  },
  {
    name: "command",
    version: "1.2.1",
    handshake: undefined,
    flags: {
      acceptsecrets: true,
      supportspreview: true,
      acceptresources: true,
      acceptoutputs: true,
      autonaming: false,
    },
    // An official plugin that was built from source may say another version here.
    added: { "__pulumi-go-provider-version": againstOfficial() ? expect.any(String) : "v1.5.0" },
  },
];

describe.each(PLUGINS)(
  "the plugin $name before its first resource",
  ({ name, version, handshake, flags, added }) => {
    let plugin: Plugin;
    beforeAll(async () => {
      plugin = await startPlugin(pluginFor(name));
    });
    afterAll(() => plugin.stop());

    // An official command plugin that was built from source may be older than the recorded one, and have no handshake.
    test.runIf(!againstOfficial() || name !== "command")("Handshake", () => {
      const flags = { acceptSecrets: true, acceptResources: true, acceptOutputs: true };
      expect(plugin.handshake).toEqual(handshake ?? expect.objectContaining(flags));
    });

    // A plugin that was built from source may not know its own version.
    test.runIf(!againstOfficial())("GetPluginInfo", async () => {
      const info = await promised<pluginPb.PluginInfo>((done) =>
        plugin.client.getPluginInfo(new empty.Empty(), done),
      );
      expect(info.getVersion()).toBe(version);
    });

    test("CheckConfig gives the configuration back", async () => {
      const request = configRequest(name, { version });
      const answer = await promised<pb.CheckResponse>((done) => plugin.client.checkConfig(request, done));
      expect(decode(answer.getInputs())).toEqual({ version, ...added });
      expect(answer.getFailuresList()).toEqual([]);
    });

    test.runIf(!againstOfficial())("CheckConfig refuses what it doesn't know by name", async () => {
      const request = configRequest(name, { version, colour: "blue" });
      const answer = await promised<pb.CheckResponse>((done) => plugin.client.checkConfig(request, done));
      expect(answer.getFailuresList().map((one) => one.getReason())).toEqual([
        `the provider ${name} has no input "colour"`,
      ]);
    });

    test("DiffConfig", async () => {
      const inputs = encode({ version });
      const request = new pb.DiffRequest()
        .setUrn(providerUrn(name))
        .setOlds(inputs)
        .setNews(inputs)
        .setOldInputs(inputs);
      const answer = promised<pb.DiffResponse>((done) => plugin.client.diffConfig(request, done));
      if (name === "command") await expect(answer).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
      else expect((await answer).getReplacesList()).toEqual([]);
    });

    test("Configure", async () => {
      const answer = (
        await plugin.configure({ version, "__pulumi-go-provider-version": "v1.5.0" })
      ).toObject();
      expect({
        acceptsecrets: answer.acceptsecrets,
        supportspreview: answer.supportspreview,
        acceptresources: answer.acceptresources,
        acceptoutputs: answer.acceptoutputs,
        autonaming: answer.supportsAutonamingConfiguration,
      }).toEqual(flags);
    });

    test.runIf(!againstOfficial())("unknown types, functions and methods are refused by name", async () => {
      const type = `${name}:index/thing:Thing`;
      await expect(plugin.check({ type, name: "it" }, {}, {})).rejects.toHaveProperty(
        "details",
        expect.stringContaining(
          `unrecognized resource type ${type}; the sandbox's stand-in for ${name} knows ${name}:`,
        ),
      );
      await expect(plugin.invoke(`${name}:index:thing`, {})).rejects.toHaveProperty(
        "details",
        expect.stringContaining(`unrecognized function ${name}:index:thing`),
      );
      const construct = promised((done) => plugin.client.construct(new pb.ConstructRequest(), done));
      await expect(construct).rejects.toMatchObject({
        code: status.UNIMPLEMENTED,
        details: `the sandbox's stand-in for ${name} has no construct`,
      });
    });
  },
);

test.runIf(!againstOfficial())(
  "a type of the official plugin that the stand-in hasn't says what to do instead",
  async () => {
    const plugin = await startPlugin(pluginFor("random"));
    await plugin.configure({ version: "4.21.2" });
    const pet = plugin.check({ type: "random:index/randomPet:RandomPet", name: "it" }, {}, {});
    await expect(pet).rejects.toHaveProperty(
      "details",
      expect.stringMatching(
        /^random:index\/randomPet:RandomPet is not supported by the sandbox's stand-in plugin: use RandomPassword/,
      ),
    );
    await plugin.stop();
  },
);

describe.runIf(!againstOfficial())("the process of a plugin", () => {
  test("ends by SIGINT when it has nothing to do", async () => {
    const plugin = await startPlugin(pluginFor("random"));
    const ended = once(plugin.process, "exit");
    plugin.process.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    await plugin.stop();
  });

  test("finishes its work first", async () => {
    const plugin = await startPlugin(pluginFor("command"));
    await plugin.configure({ version: "1.2.1" });
    const ended = once(plugin.process, "exit");
    const gate = plugin.create(
      { type: "command:local:Command", name: "it" },
      { create: "echo started; sleep 1; echo done" },
    );
    await vi.waitFor(() => expect(plugin.lines.map((one) => one.line)).toContain("started"), {
      timeout: 60_000,
    });
    plugin.process.kill("SIGINT");
    expect((await gate).state.stdout).toBe("started\ndone");
    expect(await ended).toEqual([0, null]);
    await plugin.stop();
  });

  test("ends when its parent is gone", async () => {
    const { command } = pluginFor("random");
    // A parent that starts the plugin, says its process id and waits to be killed.
    const script = '"$@" 127.0.0.1:1 & echo "pid $!"; wait';
    const parent = spawn("/bin/sh", ["-c", script, "sh", ...command], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const lines: string[] = [];
    createInterface({ input: parent.stdout }).on("line", (line) => lines.push(line));
    await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 60_000 });
    const pid = Number(lines.find((line) => line.startsWith("pid "))?.slice(4));
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 60_000 });
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function providerUrn(name: string): string {
  return `urn:pulumi:test::conformance::pulumi:providers:${name}::default`;
}

function configRequest(name: string, news: Record<string, string>): pb.CheckRequest {
  return new pb.CheckRequest()
    .setUrn(providerUrn(name))
    .setType(`pulumi:providers:${name}`)
    .setNews(encode(news));
}
