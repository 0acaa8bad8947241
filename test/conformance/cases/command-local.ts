import { createHash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Asset, Secret, unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, secret, UNKNOWN } from "../case.ts";

const inputs = {
  create: "echo created $A; echo err >&2; cat",
  update: "echo updated $A from $PULUMI_COMMAND_STDOUT and $PULUMI_COMMAND_STDERR; cat",
  delete: "true",
  environment: { A: "1" },
  stdin: "in",
  triggers: [1, "x"],
};
const { update: _update, ...withoutUpdate } = inputs;
const outputs = { stdout: "created 1\nin", stderr: "err" };
const updated = { ...inputs, stdout: "updated 1 from created 1 in and err\nin", stderr: "" };

/** A folder with a few files; the test that plays the cases removes it. */
export const folder = mkdtempSync(join(tmpdir(), "conformance-command-"));
for (const name of ["one.txt", "two.txt", "three.md"]) writeFileSync(join(folder, name), name);
const asset = (name: string): Asset =>
  new Asset("path", join(folder, name), createHash("sha256").update(name).digest("hex"));

/** Commands on this machine: every input updates, triggers replace (and only as a whole). */
export const localCommand: Cases = {
  type: "command:local:Command",
  inputs,
  id: /^it[0-9a-f]{8}$/,
  previewed: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN },
  created: { ...inputs, ...outputs },
  creations: [
    { title: "no command at all", inputs: nothing(inputs), created: { stdout: "", stderr: "" } },
    {
      title: "one line break at the end of the output goes",
      inputs: { ...nothing(inputs), create: "printf 'a\\n\\nb\\n\\n'; printf x >&2" },
      created: { create: "printf 'a\\n\\nb\\n\\n'; printf x >&2", stdout: "a\n\nb\n", stderr: "x" },
    },
    {
      title: "another interpreter, folder and no logging",
      inputs: {
        ...nothing(inputs),
        interpreter: ["/bin/echo", "-n", "run"],
        create: "me",
        dir: "/",
        logging: "none",
      },
      created: {
        interpreter: ["/bin/echo", "-n", "run"],
        create: "me",
        dir: "/",
        logging: "none",
        stdout: "run me",
        stderr: "",
      },
    },
    {
      title: "secrets stay at their place, and what is made of them is not secret",
      inputs: {
        ...nothing(inputs),
        create: "printf %s $S; cat",
        environment: { S: new Secret("s1") },
        stdin: new Secret("s2"),
      },
      created: {
        create: "printf %s $S; cat",
        environment: { S: secret("s1") },
        stdin: secret("s2"),
        stdout: "s1s2",
        stderr: "",
      },
    },
    {
      title: "files as assets",
      inputs: { ...nothing(inputs), create: "true", dir: folder, assetPaths: ["*.txt", "!one*"] },
      created: {
        create: "true",
        dir: folder,
        assetPaths: ["*.txt", "!one*"],
        assets: { "two.txt": asset("two.txt") },
        stdout: "",
        stderr: "",
      },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "environment",
      after: { environment: { A: "2" } },
      verdict: { diffs: ["environment"], detailed: { "environment.A": "UPDATE" } },
      previewed: { ...inputs, environment: { A: "2" }, stdout: UNKNOWN, stderr: UNKNOWN },
      updated: {
        ...updated,
        environment: { A: "2" },
        stdout: "updated 2 from created 1 in and err\nin",
      },
    },
    {
      title: "one more variable: the preview knows the old output still",
      after: { environment: { A: "1" }, dir: "/" },
      verdict: { diffs: ["dir"], detailed: { dir: "ADD" } },
      previewed: { ...inputs, dir: "/", ...outputs },
      updated: { ...updated, dir: "/" },
    },
    {
      title: "an unknown variable",
      after: { environment: { A: unknown } },
      verdict: { diffs: ["environment"], detailed: { "environment.A": "UPDATE" } },
      previewed: { ...inputs, environment: { A: UNKNOWN }, stdout: UNKNOWN, stderr: UNKNOWN },
    },
    {
      title: "no environment",
      after: { environment: null },
      verdict: { diffs: ["environment"], detailed: { environment: "DELETE" } },
    },
    {
      title: "a variable becomes secret",
      after: { environment: { A: new Secret("1") } },
      verdict: { diffs: ["environment"], detailed: { "environment.A": "UPDATE" } },
    },
    {
      title: "another secret",
      before: { stdin: new Secret("a") },
      after: { stdin: new Secret("b") },
      verdict: { diffs: ["stdin"], detailed: { stdin: "UPDATE" } },
    },
    {
      title: "create",
      after: { create: "x" },
      verdict: { diffs: ["create"], detailed: { create: "UPDATE" } },
    },
    {
      title: "without an update command, create runs again",
      before: { update: null },
      after: { stdin: "again" },
      verdict: { diffs: ["stdin"], detailed: { stdin: "UPDATE" } },
      updated: { ...withoutUpdate, stdin: "again", stdout: "created 1\nagain", stderr: "err" },
    },
    {
      title: "without previous outputs in the environment",
      before: { addPreviousOutputInEnv: false },
      after: { stdin: "again" },
      verdict: { diffs: ["stdin"], detailed: { stdin: "UPDATE" } },
      updated: {
        ...inputs,
        addPreviousOutputInEnv: false,
        stdin: "again",
        stdout: "updated 1 from and\nagain",
        stderr: "",
      },
    },
    {
      title: "delete",
      after: { delete: "false" },
      verdict: { diffs: ["delete"], detailed: { delete: "UPDATE" } },
    },
    {
      title: "no update any more",
      after: { update: null },
      verdict: { diffs: ["update"], detailed: { update: "DELETE" } },
    },
    {
      title: "a trigger: an update, the SDK's replaceOnChanges makes a replacement of it",
      after: { triggers: [2, "x"] },
      verdict: { diffs: ["triggers"], detailed: { "triggers[0]": "UPDATE" } },
    },
    {
      title: "one trigger more",
      after: { triggers: [1, "x", 3] },
      verdict: { diffs: ["triggers"], detailed: { "triggers[2]": "ADD" } },
    },
    {
      title: "one trigger fewer",
      after: { triggers: [1] },
      verdict: { diffs: ["triggers"], detailed: { "triggers[1]": "DELETE" } },
    },
    {
      title: "triggers for the first time",
      before: { triggers: null },
      after: { triggers: [1] },
      verdict: { replaces: ["triggers"], diffs: ["triggers"], detailed: { triggers: "ADD_REPLACE" } },
    },
    {
      title: "no triggers any more",
      after: { triggers: null },
      verdict: { replaces: ["triggers"], diffs: ["triggers"], detailed: { triggers: "DELETE_REPLACE" } },
    },
    {
      title: "interpreter, logging and dir at once",
      after: { interpreter: ["/bin/sh", "-ec"], logging: "none", dir: "/" },
      verdict: {
        diffs: ["dir", "interpreter", "logging"],
        detailed: { dir: "ADD", interpreter: "ADD", logging: "ADD" },
      },
    },
  ],
  refusals: [
    { title: "a number for a command", inputs: { create: 1 }, says: /create.*must be a/ },
    {
      title: "a number in the environment",
      inputs: { environment: { A: 1 } },
      says: /environment.*A.*must be a/,
    },
    { title: "a text for triggers", inputs: { triggers: "x" }, says: /triggers.*must be a/ },
    { title: "an output", inputs: { stdout: "x" }, says: /stdout/ },
    { title: "an unknown input", inputs: { comand: "x" }, says: /comand/ },
    {
      title: "archivePaths",
      inputs: { archivePaths: ["*"] },
      says: /archivePaths.*assetPaths/,
      standInOnly: true,
    },
    { title: "an unknown logging", inputs: { logging: "loud" }, says: /logging.*one of/, standInOnly: true },
  ],
  failures: [
    {
      title: "exit 3",
      inputs: { create: "echo partial; exit 3" },
      says: 'exit status 3: running "echo partial; exit 3":\npartial\n',
    },
    { title: "killed", inputs: { create: "kill -9 $$" }, says: 'signal: killed: running "kill -9 $$":\n' },
    {
      title: "no such folder",
      inputs: { create: "true", dir: "/nonexistent" },
      says: /^chdir \/nonexistent: no such file or directory/,
    },
    {
      title: "no such interpreter",
      inputs: { create: "true", interpreter: ["no-such-program"] },
      says: /^exec: "no-such-program": executable file not found in \$PATH/,
    },
    {
      title: "no such interpreter at a path",
      inputs: { create: "true", interpreter: ["/no/such"] },
      says: /^fork\/exec \/no\/such: no such file/,
    },
    {
      title: "quoting",
      inputs: { create: 'exit 1 # "quoted" \\ tab\t é \u0001' },
      says: 'exit status 1: running "exit 1 # \\"quoted\\" \\\\ tab\\t é \\x01":\n',
    },
  ],
};

/** The same inputs, all taken away. */
function nothing(map: object): Record<string, null> {
  return Object.fromEntries(Object.keys(map).map((name) => [name, null]));
}
