/** A whole garden for tests. */
import { Garden } from "../../../components/garden.ts";
import { readSecrets } from "../../../components/secrets.ts";
import type { BotDefinition } from "../../../settings/bot.ts";
import { botsOf, configurationOf, settingsOf } from "./bots.ts";
import { type Recording, type RecordOptions, record } from "./recorder.ts";

export interface Planted {
  readonly values?: Readonly<Record<string, string>>;
  readonly definitions?: Readonly<Record<string, BotDefinition>>;
}

/** Records a whole garden, with the sample settings and bots where none are given. */
export function recordGarden(planted: Planted = {}, options: RecordOptions = {}): Promise<Recording<Garden>> {
  const settings = settingsOf(planted.values);
  const bots = botsOf(planted.definitions);
  return record(() => {
    const { secrets, faults } = readSecrets(bots, configurationOf(bots));
    if (faults.length > 0) throw new Error(`the canaries are wrong: ${JSON.stringify(faults)}`);
    return new Garden("garden", { settings, bots, secrets });
  }, options);
}
