import * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../settings/bot.ts";
import type { Fault } from "../settings/fault.ts";
import { checkToken, malformedToken, missingSecret, plainSecret, TOKEN_KEY } from "../settings/token.ts";
import { type Configuration, namespaceOf } from "./configuration.ts";

/** What a bot keeps secret, from Pulumi's configuration in the bot's own namespace. */
export interface BotSecrets {
  readonly token: pulumi.Output<string>;
  /** By the name of the environment variable. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
}

/** Reads every bot's secrets; what is missing, malformed or not stored as a secret goes to `faults`. */
export function readSecrets(
  bots: readonly BotSettings[],
  configuration: Configuration,
): { secrets: Map<string, BotSecrets>; faults: Fault[] } {
  const faults: Fault[] = [];
  const secrets = new Map<string, BotSecrets>();
  for (const { name, secrets: wanted } of bots) {
    const { values, secretKeys } = namespaceOf(configuration, name);
    const read = (key: string) => {
      const value = values[key] ?? "";
      if (value === "") faults.push(missingSecret(name, key));
      else if (!secretKeys.has(key)) faults.push(plainSecret(name, key));
      else if (key === TOKEN_KEY && checkToken(name, value) !== undefined)
        faults.push(malformedToken(name, value));
      return pulumi.secret(value);
    };
    const token = read(TOKEN_KEY);
    const own = Object.entries(wanted).map(([variable, key]) => [variable, read(key)] as const);
    secrets.set(name, { token, secrets: Object.fromEntries(own) });
  }
  return { secrets, faults };
}
