/** local.Command and the function local.run of the command provider 1.2.1. */
import { randomBytes } from "node:crypto";
import { checkInputs } from "../framework/check.ts";
import type { Call, Fields, Resource } from "../framework/resource.ts";
import { isMap, type PropertyMap, type Value } from "../framework/values.ts";
import { previewOf } from "./preview.ts";
import { runCommand } from "./run.ts";

/** What a command and a run have in common. */
const baseFields: Fields = {
  addPreviousOutputInEnv: { kind: "bool" },
  archivePaths: { kind: "list", unsupported: "use assetPaths" },
  assetPaths: { kind: "list" },
  dir: { kind: "string" },
  environment: { kind: "map" },
  interpreter: { kind: "list" },
  logging: { kind: "string", oneOf: ["stdout", "stderr", "stdoutAndStderr", "none"] },
  stdin: { kind: "string" },
};

const commandFields: Fields = {
  ...baseFields,
  create: { kind: "string" },
  update: { kind: "string" },
  delete: { kind: "string" },
  triggers: { kind: "list", of: { kind: "any" }, replace: true },
  stdout: { kind: "string", output: true },
  stderr: { kind: "string", output: true },
  assets: { kind: "map", output: true, of: { kind: "asset" } },
};

/** Commands on this machine for the steps of a resource's life. */
export const localCommand: Resource<null> = {
  type: "command:local:Command",
  fields: commandFields,
  previewOf: ({ inputs, state }) => previewOf(inputs, state),
  create: async (call) => ({
    id: call.name + randomBytes(4).toString("hex"),
    state: await runIfGiven(call.inputs.create, call.inputs, {}, call),
  }),
  // Without an update of its own, the create command runs again.
  update: (call) => runIfGiven(call.inputs.update ?? call.inputs.create, call.inputs, call.state, call),
  // The official plugin runs the command of the state, with the state's environment and stdin.
  delete: async (call) => {
    await runIfGiven(call.state.delete, call.state, call.state, call);
  },
};

/** Without a command, the outputs stay what they were: empty at first. */
async function runIfGiven(
  command: Value | undefined,
  inputs: PropertyMap,
  previous: PropertyMap,
  call: Call<null>,
): Promise<PropertyMap> {
  if (typeof command === "string") return runCommand(command, inputs, previous, call);
  const { stdout = "", stderr = "", assets } = previous;
  return { stdout, stderr, ...(isMap(assets) ? { assets } : {}) };
}

/** Runs a command on every preview and every deployment. */
export async function localRun(call: Call<null> & { readonly args: PropertyMap }): Promise<PropertyMap> {
  const fields: Fields = { ...baseFields, command: { kind: "string", required: true } };
  const naming = { name: "", seed: new Uint8Array() };
  const { failures } = checkInputs(fields, "native", "command:local:run", {}, call.args, naming);
  const [first] = failures;
  if (first !== undefined) throw new Error(first.reason);
  const outputs = await runCommand(String(call.args.command as string), call.args, {}, call);
  return { ...call.args, ...outputs };
}
