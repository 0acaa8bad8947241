/** Turns zod's issues into faults: the path, what was given, what is allowed and an example. */
import type * as z from "zod";
import type { Fault } from "./fault.ts";
import { type About, aboutOf, schemasAlong, shapeOf } from "./schema.ts";
import { closest, HIDDEN, shown, shownPath } from "./shown.ts";

/** How the faults of one place are worded. */
export interface Place {
  /** The file or place that the user edits. */
  readonly where: string;
  /** The path as the user knows it. */
  readonly path: (path: readonly PropertyKey[]) => string;
  /** What to do about a setting with this example. */
  readonly fix: (path: readonly PropertyKey[], example: string) => string | undefined;
  /** Further paths whose values are never shown. */
  readonly isSecret?: (path: readonly PropertyKey[]) => boolean;
}

/** The result of a check: the value, or all that is wrong with what was given. */
export type Checked<T> =
  | { readonly value: T; readonly faults: readonly [] }
  | { readonly value?: never; readonly faults: readonly Fault[] };

/** Checks a value against a schema. Never throws for any plain value. */
export function check<S extends z.ZodType>(schema: S, value: unknown, place: Place): Checked<z.output<S>> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return { value: result.data, faults: [] };
  return { faults: result.error.issues.flatMap((issue) => faultsOf(schema, issue, place)) };
}

function faultsOf(root: z.ZodType, issue: z.core.$ZodIssue, place: Place): Fault[] {
  if (issue.code === "unrecognized_keys") return unknownKeys(root, issue, place);
  if (issue.code === "invalid_union") {
    const fitting = fittingBranch(issue.errors);
    if (fitting !== undefined) {
      return fitting.flatMap((inner) =>
        faultsOf(root, { ...inner, path: [...issue.path, ...inner.path] }, place),
      );
    }
  }
  return [faultOf(root, issue, place)];
}

/** The branch of a union that the value was meant for: the one whose outermost type is right. */
function fittingBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  return branches.find(
    (issues) => !issues.some((issue) => issue.code === "invalid_type" && issue.path.length === 0),
  );
}

function faultOf(root: z.ZodType, issue: z.core.$ZodIssue, place: Place): Fault {
  if (issue.code === "custom" && typeof issue.params?.fix === "string") {
    // A rule between several settings: which values don't fit stands in its own words.
    return {
      where: place.where,
      path: place.path(issue.path),
      problem: issue.message,
      fix: issue.params.fix,
    };
  }
  const schemas = schemasAlong(root, issue.path);
  const last = schemas.at(-1);
  const about = schemas.length === issue.path.length + 1 && last ? aboutOf(last) : undefined;
  const missing =
    issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_union");
  return {
    where: place.where,
    path: place.path(issue.path),
    problem: missing ? "is missing" : problemOf(issue),
    got: missing ? undefined : gotOf(issue, schemas.map(aboutOf), place),
    allowed: about?.allowed,
    fix: about === undefined ? undefined : place.fix(issue.path, about.example),
  };
}

function gotOf(
  issue: z.core.$ZodIssue,
  words: readonly (About | undefined)[],
  place: Place,
): string | undefined {
  if (words.some((about) => about?.secret === true) || place.isSecret?.(issue.path)) return HIDDEN;
  return shown(issue.input);
}

function problemOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "custom":
      return issue.message;
    case "too_small":
      return issue.origin === "number" ? "is too small" : "is too short";
    case "too_big":
      return issue.origin === "number" ? "is too big" : "is too long";
    case "invalid_type":
    case "invalid_union":
      return "is of the wrong type";
    case "invalid_key":
      return "has a name that is not allowed";
    default:
      return "is not allowed";
  }
}

function unknownKeys(root: z.ZodType, issue: z.core.$ZodIssueUnrecognizedKeys, place: Place): Fault[] {
  const last = schemasAlong(root, issue.path).at(-1);
  const known = Object.keys((last && shapeOf(last)) ?? {});
  return issue.keys.map((key) => ({
    where: place.where,
    path: place.path([...issue.path, key]),
    problem: "is not a setting",
    fix: unknownFix(key, known),
  }));
}

function unknownFix(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  return near === undefined ? `Known here: ${known.join(", ")}.` : `Did you mean ${shownPath([near])}?`;
}
