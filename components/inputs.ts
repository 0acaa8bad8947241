import { dirname, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../settings/bot.ts";
import { loadBots } from "../settings/bots.ts";
import { buildSecretFaults } from "../settings/build-secrets.ts";
import { checkEnvironments } from "../settings/environment.ts";
import { type Fault, SettingsError, throwFaults } from "../settings/fault.ts";
import { connectionFault } from "../settings/limits.ts";
import { pinWarnings, WITHOUT_REGISTRIES, withPins } from "../settings/pins.ts";
import { NAMESPACE, parseStack, type StackSettings } from "../settings/stack.ts";
import { namespaceOf, readConfiguration } from "./configuration.ts";
import { type OwnCertificate, readOwnCertificate } from "./own-certificate.ts";
import { readPage } from "./page.ts";
import { REGISTRIES, type RegistryLogin, readRegistries } from "./registries.ts";
import { type BotSecrets, readSecrets } from "./secrets.ts";

/** The stack's secret with the operator's own key. */
const CERTIFICATE_KEY = "certificateKey";

/** Everything that the user wrote, checked. */
export interface Inputs {
  readonly settings: StackSettings;
  readonly bots: readonly BotSettings[];
  readonly secrets: ReadonlyMap<string, BotSecrets>;
  /** For `certificate.source` "files". */
  readonly ownCertificate?: OwnCertificate;
  /** The HTML of `edge.page`. */
  readonly page?: string;
  /** Logins of private registries. */
  readonly registries: readonly RegistryLogin[];
}

/**
 * Reads the stack's settings, the files that they name, the bots' files and their secrets. Nothing of the host is
 * asked.
 *
 * @param botsFolder `bots` in the project's folder, to which the files' paths are relative
 * @throws SettingsError with all faults of all of them
 */
export async function readInputs(botsFolder: string): Promise<Inputs> {
  const configuration = readConfiguration();
  const { values, secretKeys } = namespaceOf(configuration, NAMESPACE);
  const faults: Fault[] = [];
  const where = `Pulumi.${pulumi.getStack()}.yaml`;
  const settings = await collect(faults, () => parseStack(values, { where, secretKeys }));
  const folder = dirname(resolve(botsFolder));
  const files =
    settings === undefined ? undefined : readFiles(settings, { values, secretKeys, where, folder });
  faults.push(...(files?.faults ?? []));
  const loaded = await collect(faults, () => loadBots(botsFolder));
  const pinned = loaded === undefined ? undefined : withPins(loaded, settings?.pins ?? {}, where);
  faults.push(...(pinned?.faults ?? []));
  const bots = pinned?.bots;
  // A preview builds nothing, and neither does going back, which is refused when anything else would change.
  const builds = !pulumi.runtime.isDryRun() && process.env[WITHOUT_REGISTRIES] !== "1";
  if (builds) faults.push(...buildSecretFaults(bots ?? [], process.env));
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
  const registries =
    settings === undefined
      ? undefined
      : readRegistries(values[REGISTRIES], secretKeys.has(REGISTRIES), where);
  faults.push(...(registries?.faults ?? []));
  throwFaults(faults);
  if (settings === undefined || bots === undefined || read === undefined) throw new SettingsError(faults);
  for (const warning of [...(files?.warnings ?? []), ...pinWarnings(bots)]) void pulumi.log.warn(warning);
  return { settings, bots, secrets: read.secrets, registries: registries?.logins ?? [], ...files?.found };
}

interface FilesContext {
  readonly values: Readonly<Record<string, string>>;
  readonly secretKeys: ReadonlySet<string>;
  readonly where: string;
  readonly folder: string;
}

/** What the settings only name: the operator's certificate with its key, and the page. */
function readFiles(settings: StackSettings, { values, secretKeys, where, folder }: FilesContext) {
  const keyIsSecret = secretKeys.has(CERTIFICATE_KEY);
  const own = readOwnCertificate({
    ...{ settings, where, folder, keyIsSecret },
    key: values[CERTIFICATE_KEY],
  });
  const page = settings.edge.page === undefined ? undefined : readPage(settings.edge.page, { where, folder });
  return {
    faults: [...own.faults, ...(page?.faults ?? [])],
    warnings: own.warnings,
    found: {
      ...(own.certificate === undefined ? {} : { ownCertificate: own.certificate }),
      ...(page?.text === undefined ? {} : { page: page.text }),
    },
  };
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
