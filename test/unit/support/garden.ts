/** A whole garden for tests. */
import * as pulumi from "@pulumi/pulumi";
import { Garden } from "../../../components/garden.ts";
import { readSecrets } from "../../../components/secrets.ts";
import type { BotDefinition } from "../../../settings/bot.ts";
import { botsOf, configurationOf, settingsOf } from "./bots.ts";
import { type Recording, type RecordOptions, record } from "./recorder.ts";

export interface Planted {
  readonly values?: Readonly<Record<string, string>>;
  readonly definitions?: Readonly<Record<string, BotDefinition>>;
  /** The operator's own, in PEM. */
  readonly ownCertificate?: { readonly chain: string; readonly key: string; readonly root?: string };
  readonly page?: string;
}

/** Records a whole garden, with the sample settings and bots where none are given. */
export function recordGarden(planted: Planted = {}, options: RecordOptions = {}): Promise<Recording<Garden>> {
  const settings = settingsOf(planted.values);
  const bots = botsOf(planted.definitions);
  return record(() => {
    const { secrets, faults } = readSecrets(bots, configurationOf(bots));
    if (faults.length > 0) throw new Error(`the canaries are wrong: ${JSON.stringify(faults)}`);
    const own = planted.ownCertificate;
    const ownCertificate = own === undefined ? undefined : { ...own, key: pulumi.secret(own.key) };
    return new Garden("garden", { settings, bots, secrets, ownCertificate, page: planted.page });
  }, options);
}
