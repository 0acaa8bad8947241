/**
 * Where a container's plan and verdict differ from what its table says.
 *
 * Source: the DiffSuppressFuncs in terraform-provider-docker v4.5.0, resource_docker_container.go, and measurements
 * of the official plugin 5.2.0 (mounts).
 */
import type { DiffAnswer, DiffKind } from "../../framework/resource.ts";
import { isNothing, type PropertyMap, unknown, type Value } from "../../framework/values.ts";
import { withUnchangedSetZeros } from "../state.ts";
import { containerFields } from "./fields.ts";
import { samePorts } from "./ports.ts";

/** The official plugin takes "" or nothing as "leave it as it is" here. */
const KEPT_WHEN_EMPTY = ["user", "workingDir"];

/**
 * Lists that the engine fills in. Absent, as in a container that was only half made, they are still to be computed,
 * which counts as a change (Terraform SDK v2, helper/schema/schema.go `diffList`); empty ones aren't.
 */
const COMPUTED_LISTS = Object.entries(containerFields)
  .filter(([, { kind, computed, output }]) => kind === "list" && (computed === true || output === true))
  .map(([name]) => name);

/** The planned state with the differences undone that are none. */
export function planContainer(state: PropertyMap, planned: PropertyMap): PropertyMap {
  const result = withUnchangedSetZeros(containerFields, state, planned);
  for (const name of KEPT_WHEN_EMPTY) {
    const [before, after] = [state[name], planned[name]];
    if (typeof before === "string" && (after === null || after === "")) result[name] = before;
  }
  if (Object.keys(state).length > 0) {
    for (const name of COMPUTED_LISTS)
      if (isNothing(state[name]) && isEmpty(planned[name])) result[name] = unknown;
  }
  if (samePorts(state.ports, planned.ports)) result.ports = state.ports ?? [];
  return result;
}

/**
 * A change of mounts replaces only when their number changes (Terraform looks at the parts' own flags, and a mount's
 * parts have none). Otherwise it is an update, which does nothing.
 *
 * @param before the state's mounts
 * @param after the planned ones
 */
export function withMountsRule(
  answer: DiffAnswer,
  before: Value | undefined,
  after: Value | undefined,
): DiffAnswer {
  const sameNumber = lengthOf(before) === lengthOf(after);
  if (!sameNumber || answer.replaces.length === 0 || answer.replaces.some((name) => name !== "mounts"))
    return answer;
  const detailed = Object.entries(answer.detailed ?? {}).map(([key, kind]): [string, DiffKind] => [
    key,
    updating(kind),
  ]);
  const stables = [...(answer.stables ?? []), "mounts"].sort();
  return {
    ...answer,
    replaces: [],
    deleteBeforeReplace: false,
    stables,
    detailed: Object.fromEntries(detailed),
  };
}

function isEmpty(value: Value | undefined): boolean {
  return isNothing(value) || (Array.isArray(value) && value.length === 0);
}

function lengthOf(value: Value | undefined): number {
  return Array.isArray(value) ? value.length : 0;
}

function updating(kind: DiffKind): DiffKind {
  switch (kind) {
    case "ADD_REPLACE":
      return "ADD";
    case "DELETE_REPLACE":
      return "DELETE";
    default:
      return kind === "UPDATE_REPLACE" ? "UPDATE" : kind;
  }
}
