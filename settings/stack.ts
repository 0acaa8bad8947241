/**
 * The stack's settings: what Pulumi's configuration holds in the namespace `botgarden`
 * (`pulumi config set botgarden:host root@203.0.113.5`).
 */
import type * as z from "zod";
import { type CertificateSettings, certificateOf } from "./certificate.ts";
import { type EdgeSettings, edgeOf } from "./edge.ts";
import { type Fault, SettingsError } from "./fault.ts";
import { check, type Place } from "./issues.ts";
import { aboutOf, isList, isMap, schemasAlong, shapeOf } from "./schema.ts";
import { HIDDEN, looksSecret, shown, shownPath } from "./shown.ts";
import { crossFaults } from "./stack-rules.ts";
import { stackSchema } from "./stack-schema.ts";

/** The namespace of the stack's settings in Pulumi's configuration. */
export const NAMESPACE = "botgarden";

type Parsed = z.output<typeof stackSchema>;

/** The checked settings of a stack, with every default filled in. */
export interface StackSettings
  extends Omit<Parsed, "domain" | "ip" | "edge" | "certificate" | "certificateKey" | "registries"> {
  /** What Telegram and people call: the domain or the IPv4 address. */
  readonly publicName:
    | { readonly kind: "domain"; readonly name: string }
    | { readonly kind: "ip"; readonly name: string };
  readonly edge: EdgeSettings;
  readonly certificate: CertificateSettings;
}

/** What else is known about the raw settings. */
export interface StackOptions {
  /** The file in which the user finds them; default `stack settings`. */
  readonly where?: string;
  /** Keys (without namespace) whose values are secret in Pulumi's configuration; they are never shown. */
  readonly secretKeys?: ReadonlySet<string>;
}

/**
 * Checks the stack's settings as Pulumi's configuration gives them: text by key without namespace, the text
 * of an object is JSON.
 *
 * @throws SettingsError with all faults
 */
export function parseStack(raw: Readonly<Record<string, string>>, options: StackOptions = {}): StackSettings {
  const place = placeOf(options);
  const { values, faults: decoding } = decode(raw, place);
  const undecodable = new Set(decoding.map((fault) => fault.path));
  const result = check(stackSchema, values, place);
  const faults = [
    ...decoding,
    ...result.faults.filter((fault) => !undecodable.has(fault.path)),
    ...publicNameFaults(raw, place),
    ...crossFaults(values, place),
  ];
  if (faults.length > 0 || result.value === undefined) throw new SettingsError(faults);
  // Secrets are read where they become Pulumi's, in components/inputs.ts.
  const { domain: domainName, ip: address, certificateKey: _, registries: __, ...settings } = result.value;
  const kind = domainName === undefined ? "ip" : "domain";
  return {
    ...settings,
    publicName: { kind, name: domainName ?? address ?? "" },
    edge: edgeOf(settings.edge, kind),
    certificate: certificateOf(settings.certificate, kind),
  };
}

function placeOf(options: StackOptions): Place {
  const path = (keys: readonly PropertyKey[]): string => `${NAMESPACE}:${shownPath(keys)}`;
  return {
    where: options.where ?? "stack settings",
    path,
    fix: (keys, example) => {
      const schema = schemasAlong(stackSchema, keys).at(-1);
      // A list is set item by item.
      const item = schema !== undefined && isList(schema) ? [...keys, 0] : keys;
      const secret = schema !== undefined && aboutOf(schema)?.type === "secret" ? "--secret " : "";
      const words = `${secret}${item.length > 1 ? "--path " : ""}${shellWord(path(item))}`;
      return `Set it with: pulumi config set ${words} ${shellWord(example)}`.trimEnd();
    },
    isSecret: (keys) => options.secretKeys?.has(String(keys[0])) ?? false,
  };
}

function shellWord(text: string): string {
  // A shell would take brackets for the pattern of a file's name.
  if (text.includes("[")) return `'${text}'`;
  return text.includes(" ") && !text.startsWith("<") ? `"${text}"` : text;
}

/** Reads the JSON text of the keys that are objects; everything else stays text. */
function decode(raw: Readonly<Record<string, string>>, place: Place) {
  const faults: Fault[] = [];
  const values: [string, unknown][] = [];
  for (const [key, text] of Object.entries(raw)) {
    const section = sectionOf(key);
    const [first = "", ...inside] = key.split(".");
    if (inside.length > 0 && sectionOf(first) !== undefined) {
      faults.push(withoutPath(key, place));
      continue;
    }
    if (section === undefined) {
      values.push([key, text]);
      continue;
    }
    const value = parseObject(text);
    values.push([key, value ?? {}]);
    if (value !== undefined) continue;
    faults.push({
      where: place.where,
      path: place.path([key]),
      problem: `is not ${section.what}`,
      got: place.isSecret?.([key]) ? HIDDEN : shown(text),
      fix: `Set them one by one, with: pulumi config set --path ${place.path([key])}.${section.member} VALUE`,
    });
  }
  return { values: Object.fromEntries(values), faults };
}

/** What a key holds that is an object, and one of its members; undefined if the key is none. */
function sectionOf(key: string): { what: string; member: string } | undefined {
  if (!Object.hasOwn(stackSchema.shape, key)) return undefined;
  const schema = stackSchema.shape[key as keyof Parsed];
  const members = Object.keys(shapeOf(schema) ?? {});
  if (isMap(schema)) return { what: aboutOf(schema)?.allowed ?? "an object", member: "NAME" };
  if (members.length === 0) return undefined;
  return { what: `an object with settings (${members.join(", ")})`, member: members[0] ?? "" };
}

/** `pulumi config set botgarden:edge.httpPort 80` without `--path` makes one key with a dot in it. */
function withoutPath(key: string, place: Place): Fault {
  return {
    where: place.where,
    path: `${NAMESPACE}:${looksSecret(key) ? HIDDEN : key}`,
    problem: "was set without --path",
    fix: `Remove it with: pulumi config rm ${NAMESPACE}:${key}, and set it with --path.`,
  };
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function publicNameFaults(raw: Readonly<Record<string, string>>, place: Place): Fault[] {
  const hasDomain = Object.hasOwn(raw, "domain");
  if (hasDomain !== Object.hasOwn(raw, "ip")) return [];
  return [
    {
      where: place.where,
      path: place.path(["domain"]),
      problem: hasDomain
        ? `and ${place.path(["ip"])} are both given, but a garden has one public name`
        : `is missing, and so is ${place.path(["ip"])}`,
      fix: hasDomain
        ? `Remove one with: pulumi config rm ${place.path(["ip"])}`
        : `Set one of them with: pulumi config set ${place.path(["domain"])} bots.example.com`,
    },
  ];
}
