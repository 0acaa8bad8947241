import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { againstOfficial, play, pluginFor } from "./case.ts";
import { folder, localCommand } from "./cases/command-local.ts";
import { type Plugin, promised, startPlugin, urnOf } from "./harness.ts";

play(localCommand);
afterAll(() => rmSync(folder, { recursive: true }));

const subject = { type: localCommand.type, name: "it" };

describe("a running command", () => {
  let plugin: Plugin;
  beforeEach(async () => {
    plugin = await startPlugin(pluginFor("command"));
    await plugin.configure({ version: "1.2.1" });
  });
  afterEach(() => plugin.stop());
  const lines = (): string[] => plugin.lines.map((one) => one.line);

  test("shows its output line by line at the resource, as passing information", async () => {
    await plugin.create(subject, { create: "printf 'one\\ntwo\\nrest'" });
    expect(plugin.lines).toEqual(
      ["one", "two", "rest"].map((line) => ({ severity: 1, urn: urnOf(subject), line })),
    );
  });

  test.each([
    { logging: "stdout", shown: ["out"] },
    { logging: "stderr", shown: ["err"] },
    { logging: "none", shown: [] },
  ])("logging $logging shows $shown", async ({ logging, shown }) => {
    await plugin.create(subject, { create: "echo out; echo err >&2", logging });
    expect(lines()).toEqual(shown);
  });

  test("shows lines while it runs, and Cancel kills it", async () => {
    const run = plugin.create(subject, { create: "echo started; exec sleep 60" });
    const failed = expect(run).rejects.toHaveProperty(
      "details",
      expect.stringMatching(/^signal: killed: running .*\nstarted\n$/s),
    );
    await vi.waitFor(() => expect(lines()).toContain("started"), { timeout: 60_000 });
    await promised<empty.Empty>((done) => plugin.client.cancel(new empty.Empty(), done));
    await failed;
  });

  test("Delete runs the old command with the old environment, stdin and outputs", async () => {
    const file = join(folder, "deleted");
    const inputs = {
      create: "echo made",
      delete: `{ echo $A $PULUMI_COMMAND_STDOUT; cat; } > ${file}`,
      environment: { A: "old" },
      stdin: "input",
    };
    const { id, state } = await plugin.create(subject, inputs);
    expect(existsSync(file)).toBe(false);
    await plugin.delete(subject, id, state, inputs);
    expect(readFileSync(file, "utf8")).toBe("old made\ninput");
  });

  test("a Delete that fails says so, with its output", async () => {
    const { id, state } = await plugin.create(subject, { delete: "echo no; exit 4" });
    await expect(plugin.delete(subject, id, state, {})).rejects.toHaveProperty(
      "details",
      'exit status 4: running "echo no; exit 4":\nno\n',
    );
  });

  test("an update that fails keeps nothing", async () => {
    const inputs = { create: "exit 5" };
    const question = { id: "it1", state: { stdout: "old", stderr: "" }, oldInputs: {}, inputs };
    await expect(plugin.update(subject, question)).rejects.toHaveProperty(
      "details",
      'exit status 5: running "exit 5":\n',
    );
  });

  test("the function run runs on every call", async () => {
    const answer = await plugin.invoke("command:local:run", {
      command: "echo $A; cat",
      environment: { A: "1" },
      stdin: "in",
    });
    expect(answer).toEqual({
      command: "echo $A; cat",
      environment: { A: "1" },
      stdin: "in",
      stdout: "1\nin",
      stderr: "",
    });
    await expect(plugin.invoke("command:local:run", { command: "exit 2" })).rejects.toHaveProperty(
      "details",
      'exit status 2: running "exit 2":\n',
    );
  });

  if (!againstOfficial()) {
    test.each(["Command", "CopyToRemote", "CopyFile"])("remote.%s is refused by name", async (name) => {
      const check = plugin.check({ type: `command:remote:${name}`, name: "it" }, {}, {});
      await expect(check).rejects.toHaveProperty(
        "details",
        expect.stringContaining(`command:remote:${name} is not supported`),
      );
    });
  }
});
