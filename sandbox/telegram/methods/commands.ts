import { badRequest } from "../errors.ts";
import type { Call } from "./call.ts";

/** setMyCommands: a list per scope and language. */
export function setMyCommands(call: Call): unknown {
  call.bot.commands.set(keyOf(call), readCommands(call));
  call.tools.changed();
  return true;
}

/** getMyCommands. */
export function getMyCommands(call: Call): unknown {
  return call.bot.commands.get(keyOf(call)) ?? [];
}

/** deleteMyCommands. */
export function deleteMyCommands(call: Call): unknown {
  call.bot.commands.delete(keyOf(call));
  call.tools.changed();
  return true;
}

function keyOf({ params }: Call): string {
  try {
    const scope = params.json("scope") ?? { type: "default" };
    return JSON.stringify([scope, params.text("language_code")]);
  } catch {
    throw badRequest("can't parse BotCommandScope JSON object");
  }
}

function readCommands({ params }: Call): unknown {
  let commands: unknown;
  try {
    commands = params.json("commands");
  } catch {
    throw badRequest("can't parse commands JSON object");
  }
  if (!Array.isArray(commands)) throw badRequest("expected an Array of BotCommand");
  if (commands.length > 100) throw badRequest("BOT_COMMANDS_TOO_MUCH");
  return commands.map((entry: unknown) => {
    const command = textField(entry, "command").replace(/^\//, "");
    const description = textField(entry, "description");
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest("BOT_COMMAND_INVALID");
    if (description === "" || description.length > 256) throw badRequest("BOT_COMMAND_DESCRIPTION_INVALID");
    return { command, description };
  });
}

function textField(entry: unknown, name: "command" | "description"): string {
  if (typeof entry !== "object" || entry === null || !(name in entry)) {
    throw badRequest(`can't parse BotCommand: Can't find field "${name}"`);
  }
  const value: unknown = Reflect.get(entry, name);
  if (typeof value !== "string")
    throw badRequest(`can't parse BotCommand: Field "${name}" must be of type String`);
  return value;
}
