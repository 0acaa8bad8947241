/** The official plugin's checks of single values (validators in terraform-provider-docker v4.5.0's schema). */
import type { CheckFailure } from "../../framework/resource.ts";
import { isMap, type PropertyMap, type Value } from "../../framework/values.ts";
import { parseDuration } from "./durations.ts";

type Rule = (value: Value) => string | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  memory: atLeast(0),
  memoryReservation: atLeast(0),
  memorySwap: atLeast(-1),
  shmSize: atLeast(0),
  cpuShares: atLeast(0),
  cpuPeriod: atLeast(0),
  cpuQuota: atLeast(0),
  cpuSet: pattern(/^\d+([,-]\d+)*$/),
};

const HEALTHCHECK_RULES: Readonly<Record<string, Rule>> = {
  interval: duration,
  timeout: duration,
  startPeriod: duration,
  startInterval: duration,
  retries: atLeast(0),
};

const UPLOAD_RULES: Readonly<Record<string, Rule>> = { permissions: pattern(/^0[0-7]{3}$/) };
const VOLUME_RULES: Readonly<Record<string, Rule>> = {
  hostPath: absolutePath,
  selinuxRelabel: pattern(/^(z|Z)$/),
};
const NETWORK_RULES: Readonly<Record<string, Rule>> = { gwPriority: atLeast(0) };

/** The faults of a container's inputs. Unknown values have none yet. */
export function inputFaults(inputs: PropertyMap): readonly CheckFailure[] {
  return [
    ...faultsOf("", RULES, inputs),
    ...faultsOf("healthcheck.", HEALTHCHECK_RULES, inputs.healthcheck),
    ...faultsInList("uploads", UPLOAD_RULES, inputs.uploads),
    ...faultsInList("volumes", VOLUME_RULES, inputs.volumes),
    ...faultsInList("networksAdvanced", NETWORK_RULES, inputs.networksAdvanced),
  ];
}

function faultsInList(
  name: string,
  rules: Readonly<Record<string, Rule>>,
  list: Value | undefined,
): CheckFailure[] {
  return Array.isArray(list) ? list.flatMap((item, i) => faultsOf(`${name}[${i}].`, rules, item)) : [];
}

function faultsOf(
  path: string,
  rules: Readonly<Record<string, Rule>>,
  inputs: Value | undefined,
): CheckFailure[] {
  if (!isMap(inputs)) return [];
  return Object.entries(rules).flatMap(([name, rule]) => {
    const value = inputs[name];
    const reason = value === undefined || value === null ? undefined : rule(value);
    return reason === undefined ? [] : [{ property: `${path}${name}`, reason }];
  });
}

function atLeast(least: number): Rule {
  return (value) =>
    typeof value === "number" && value < least ? `'${value}' cannot be lower than ${least}` : undefined;
}

function pattern(expression: RegExp): Rule {
  return (value) =>
    typeof value === "string" && !expression.test(value)
      ? `'${value}' doesn't match the pattern '${expression.source}'`
      : undefined;
}

function absolutePath(value: Value): string | undefined {
  return typeof value === "string" && !/^[a-zA-Z]:[\\/]|^\//.test(value)
    ? `'${value}' must be an absolute path`
    : undefined;
}

function duration(value: Value): string | undefined {
  if (typeof value !== "string") return undefined;
  const nanoseconds = parseDuration(value);
  if (nanoseconds === undefined) return `'${value}' is not a valid duration`;
  return nanoseconds < 0 ? `'${value}' duration must not be negative` : undefined;
}
