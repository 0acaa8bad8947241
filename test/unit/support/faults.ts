/** What is wrong with settings, as the user is told it. */
import { SettingsError } from "../../../settings/fault.ts";

/** The lines of the message with which settings are refused; none if they are taken. Any other error is thrown on. */
export function faultLines(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split("\n").map((line) => line.trim());
    throw error;
  }
  return [];
}
