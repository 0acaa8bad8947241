import * as pulumi from "@pulumi/pulumi";

/** The stack's whole configuration, as the engine handed it to the program. */
export interface Configuration {
  /** Text by full key, `botgarden:host`; secrets included, in clear. */
  readonly values: Readonly<Record<string, string>>;
  /** The full keys of the values that are stored encrypted. */
  readonly secretKeys: ReadonlySet<string>;
}

/**
 * Reads the configuration without the warnings that `Config.get` prints for secrets, and with the knowledge of which
 * values are secret: the engine names them in PULUMI_CONFIG_SECRET_KEYS (pulumi, sdk/nodejs/runtime/config.ts).
 */
export function readConfiguration(): Configuration {
  const names: unknown = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]");
  return {
    values: pulumi.runtime.allConfig(),
    secretKeys: new Set(Array.isArray(names) ? names.map(String) : []),
  };
}

/** The values of one namespace, without its name before each key. */
export function namespaceOf(configuration: Configuration, namespace: string) {
  const prefix = `${namespace}:`;
  const without = (key: string) => key.slice(prefix.length);
  const values = Object.entries(configuration.values)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [without(key), value] as const);
  const secretKeys = [...configuration.secretKeys].filter((key) => key.startsWith(prefix)).map(without);
  return { values: Object.fromEntries(values), secretKeys: new Set(secretKeys) };
}
