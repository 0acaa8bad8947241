import { parseArgs } from "node:util";
import { UserError } from "./user-error.ts";

/** Reads a command's switches; anything else is refused with the usage text. */
export function readSwitches<const Name extends string>(
  args: readonly string[],
  names: readonly Name[],
  usage: string,
): Record<Name, boolean> {
  try {
    const options = Object.fromEntries(
      names.map((name) => [name, { type: "boolean" as const, default: false }]),
    );
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
    return Object.fromEntries(names.map((name) => [name, values[name] === true])) as Record<Name, boolean>;
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : "wrong options"}\nusage: ${usage}`);
  }
}
