/** Loads the bots of the folder in argv as the program does, in Node itself, and prints the result as JSON. */
import { loadBots } from "../../../settings/bots.ts";
import { SettingsError } from "../../../settings/fault.ts";

const results: Record<string, unknown> = {};
for (const directory of process.argv.slice(2)) {
  try {
    const bots = await loadBots(directory);
    results[directory] = { names: bots.map((bot) => bot.name) };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    results[directory] = { message: error.message };
  }
}
process.stdout.write(JSON.stringify(results));
