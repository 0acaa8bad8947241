import * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../settings/bot.ts";
import { loadBots } from "../settings/bots.ts";
import { checkEnvironments } from "../settings/environment.ts";
import { type Fault, SettingsError, throwFaults } from "../settings/fault.ts";
import { connectionFault } from "../settings/limits.ts";
import { NAMESPACE, parseStack, type StackSettings } from "../settings/stack.ts";
import { namespaceOf, readConfiguration } from "./configuration.ts";
import { type BotSecrets, readSecrets } from "./secrets.ts";

/** Everything that the user wrote, checked. */
export interface Inputs {
  readonly settings: StackSettings;
  readonly bots: readonly BotSettings[];
  readonly secrets: ReadonlyMap<string, BotSecrets>;
}

/**
 * Reads the stack's settings, the bots' files and their secrets. Nothing of the host is asked.
 *
 * @throws SettingsError with all faults of all of them
 */
export async function readInputs(botsFolder: string): Promise<Inputs> {
  const configuration = readConfiguration();
  const { values, secretKeys } = namespaceOf(configuration, NAMESPACE);
  const faults: Fault[] = [];
  const settings = await collect(faults, () =>
    parseStack(values, { where: `Pulumi.${pulumi.getStack()}.yaml`, secretKeys }),
  );
  const bots = await collect(faults, () => loadBots(botsFolder));
  if (settings !== undefined && bots !== undefined) {
    const { telegram, timezone } = settings;
    const trial = { apiRoot: telegram.apiRoot, timezone, later: (text: string) => pulumi.output(text) };
    await collect(faults, () => checkEnvironments(bots, trial));
  }
  const read = bots === undefined ? undefined : readSecrets(bots, configuration);
  faults.push(...(read?.faults ?? []));
  if (settings !== undefined && bots !== undefined) {
    const fault = connectionFault(bots, settings.postgres.maxConnections);
    if (fault !== undefined) faults.push(fault);
  }
  throwFaults(faults);
  if (settings === undefined || bots === undefined || read === undefined) throw new SettingsError(faults);
  return { settings, bots, secrets: read.secrets };
}

async function collect<T>(faults: Fault[], read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}
