/** The environment in which plain `pulumi up` works on the sandbox. */
import { delimiter } from "node:path";
import { pathToFileURL } from "node:url";
import type { Toolchain } from "../toolchain/index.ts";
import { partsOf } from "./state.ts";

/** The stack's name in the sandbox. */
export const stackName = "sandbox";

/** Variables to set, PATH as what goes before it. */
export function pulumiEnvironment(id: string, toolchain: Toolchain) {
  const { backend, passphraseFile } = partsOf(id);
  return {
    pathEntries: toolchain.pathEntries,
    variables: {
      ...toolchain.env,
      // Without the notes beside the state's files: an engine that is killed leaves one of them empty, and every later run
      // ends with "failed to load checkpoint: EOF" (gocloud.dev/blob/fileblob writes the file itself by rename).
      PULUMI_BACKEND_URL: `${pathToFileURL(backend).href}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
      PULUMI_STACK: stackName,
    },
  };
}

/** The environment of a child process. */
export function processEnvironment(id: string, toolchain: Toolchain): NodeJS.ProcessEnv {
  const { pathEntries, variables } = pulumiEnvironment(id, toolchain);
  return { ...process.env, ...variables, PATH: [...pathEntries, process.env.PATH ?? ""].join(delimiter) };
}

/** Lines for a shell's `eval`. */
export function shellLines(id: string, toolchain: Toolchain): string[] {
  const { pathEntries, variables } = pulumiEnvironment(id, toolchain);
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return [...lines, `export PATH=${quoted(pathEntries.join(delimiter))}${delimiter}"$PATH"`];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
