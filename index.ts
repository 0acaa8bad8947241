/**
 * The garden's program: checks everything that the user wrote, looks at the host, and plants.
 * What each part does stands in components/, one file or folder per part.
 */
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { certificateOutput } from "./components/certificates/look.ts";
import { Garden } from "./components/garden.ts";
import { checkHost, HostError } from "./components/host/check-host.ts";
import { connectionTo, prepareConnection } from "./components/host/connection.ts";
import { removeLeftovers } from "./components/host/leftovers.ts";
import { readInputs } from "./components/inputs.ts";
import { SettingsError } from "./settings/fault.ts";

// Pulumi's runtime looks every promise's stack trace up in source maps, which took a tenth of a run with one bot. There
// are none: Node runs this program as it is written.
Reflect.deleteProperty(Error, "prepareStackTrace");

async function plant() {
  const inputs = await readInputs(fileURLToPath(new URL("bots", import.meta.url)));
  const connection = connectionTo(inputs.settings);
  prepareConnection();
  // A preview needs no host: it says what would be done, not whether the host agrees.
  if (!pulumi.runtime.isDryRun()) {
    const log = (line: string) => void pulumi.log.info(line);
    const { settings, bots } = inputs;
    const pinned = bots.flatMap(({ name, pin }) => (pin === undefined ? [] : [{ name, pin }]));
    const facts = await checkHost(connection, { platform: settings.platform, pinned }, log);
    await removeLeftovers(connection, facts, log);
  }
  const garden = new Garden("garden", inputs);
  return { garden, certificate: certificateOutput(garden.certificate, connection, inputs.settings) };
}

const planted = await plant().catch((error: unknown) => {
  // A RunError prints its message and nothing else.
  if (error instanceof SettingsError || error instanceof HostError) throw new pulumi.RunError(error.message);
  throw error;
});

export const { certificate } = planted;
export const { webhookBase, healthUrl, bots, databasePassword } = planted.garden;
