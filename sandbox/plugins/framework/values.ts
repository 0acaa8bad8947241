/**
 * Property values as the engine and its plugins exchange them, and their encoding in google.protobuf.Struct.
 *
 * Secrets, unknowns, assets, archives, resource references and output values travel as objects (or strings)
 * with fixed signatures. Source: the Pulumi SDK, `sdk/go/common/resource/plugin/rpc.go` and
 * `sdk/nodejs/runtime/rpc.ts`.
 */
import struct from "google-protobuf/google/protobuf/struct_pb.js";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** What stands for an unknown string; the engine accepts it for an unknown of any type. */
export const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** One text per type that stands for a value that is only known after the deployment. */
const UNKNOWN_TEXTS: ReadonlySet<string> = new Set([
  UNKNOWN_TEXT,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** A value that must not be shown. */
export class Secret {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

/** A value that is only known after the deployment. There is one object of this class: `unknown`. */
export class Unknown {
  readonly unknown = true;
}

/** The value that is only known after the deployment. */
export const unknown = new Unknown();

/** A file, a text or an address that the program passes by content. */
export class Asset {
  readonly source: "path" | "text" | "uri" | "none";
  readonly content: string;
  /** SHA-256 of the content in hex, as the engine has filled it in. */
  readonly hash: string;
  constructor(source: Asset["source"], content: string, hash: string) {
    this.source = source;
    this.content = content;
    this.hash = hash;
  }
}

/** A folder, an archive file, an address, or a map of assets. */
export class Archive {
  readonly source: "path" | "uri" | "assets" | "none";
  readonly content: string | PropertyMap;
  readonly hash: string;
  constructor(source: Archive["source"], content: string | PropertyMap, hash: string) {
    this.source = source;
    this.content = content;
    this.hash = hash;
  }
}

/** A resource that is passed as a value. */
export class ResourceReference {
  readonly urn: string;
  readonly id: Value;
  readonly packageVersion: string;
  constructor(urn: string, id: Value, packageVersion: string) {
    this.urn = urn;
    this.id = id;
    this.packageVersion = packageVersion;
  }
}

/** Any property value. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Value[]
  | PropertyMap
  | Secret
  | Unknown
  | Asset
  | Archive
  | ResourceReference;

/** An object value: the inputs or outputs of a resource, or a part of them. */
export interface PropertyMap {
  [name: string]: Value;
}

/** Whether the value is an object with named properties (not a secret, asset or the like). */
export function isMap(value: Value | undefined): value is PropertyMap {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether there is no value: null or not given. */
export function isNothing(value: Value | undefined): value is null | undefined {
  return value === undefined || value === null;
}

/** Whether the value or any part of it is only known after the deployment. */
export function hasUnknown(value: Value | undefined): boolean {
  if (value instanceof Unknown) return true;
  if (value instanceof Secret) return hasUnknown(value.value);
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isMap(value) && Object.values(value).some(hasUnknown);
}

/** The value without the marks of its secrets, at any depth. */
export function withoutSecrets(value: Value): Value {
  if (value instanceof Secret) return withoutSecrets(value.value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  return isMap(value) ? mapWithoutSecrets(value) : value;
}

/** As `withoutSecrets`, for a whole property map. */
export function mapWithoutSecrets(map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, withoutSecrets(value)]));
}

/** Deep equality. Marks of secrets don't count; an unknown equals only an unknown; assets equal by hash. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Secret) return equal(a.value, b);
  if (b instanceof Secret) return equal(a, b.value);
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (isMap(a)) {
    if (!isMap(b)) return false;
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => equal(a[name], b[name]));
  }
  if (a instanceof Asset) return b instanceof Asset && sameContent(a, b);
  if (a instanceof Archive) return b instanceof Archive && sameContent(a, b);
  if (a instanceof ResourceReference) return b instanceof ResourceReference && a.urn === b.urn;
  return false;
}

function sameContent(a: Asset | Archive, b: Asset | Archive): boolean {
  return a.hash !== "" && b.hash !== ""
    ? a.hash === b.hash
    : a.source === b.source && a.content === b.content;
}

/** Reads a Struct. A missing Struct is an empty map. */
export function decode(message: struct.Struct | undefined): PropertyMap {
  const result: PropertyMap = {};
  message?.getFieldsMap().forEach((value, name) => {
    result[name] = decodeValue(value);
  });
  return result;
}

function decodeValue(message: struct.Value): Value {
  switch (message.getKindCase()) {
    case struct.Value.KindCase.BOOL_VALUE:
      return message.getBoolValue();
    case struct.Value.KindCase.NUMBER_VALUE:
      return message.getNumberValue();
    case struct.Value.KindCase.STRING_VALUE: {
      const text = message.getStringValue();
      return UNKNOWN_TEXTS.has(text) ? unknown : text;
    }
    case struct.Value.KindCase.LIST_VALUE:
      return (message.getListValue()?.getValuesList() ?? []).map(decodeValue);
    case struct.Value.KindCase.STRUCT_VALUE:
      return decodeSigned(decode(message.getStructValue()));
    default:
      return null;
  }
}

function decodeSigned(map: PropertyMap): Value {
  const signature = map[SIGNATURE];
  if (signature === undefined) return map;
  const hash = text(map.hash);
  switch (signature) {
    case SECRET:
      return new Secret(map.value ?? null);
    case ASSET:
      for (const source of ["path", "text", "uri"] as const) {
        const content = map[source];
        if (typeof content === "string" && (content !== "" || source === "text"))
          return new Asset(source, content, hash);
      }
      return new Asset("none", "", hash);
    case ARCHIVE: {
      const assets = map.assets;
      if (isMap(assets)) return new Archive("assets", assets, hash);
      for (const source of ["path", "uri"] as const) {
        const content = map[source];
        if (typeof content === "string" && content !== "") return new Archive(source, content, hash);
      }
      return new Archive("none", "", hash);
    }
    case RESOURCE_REFERENCE:
      return new ResourceReference(
        text(map.urn),
        map.id === "" ? unknown : (map.id ?? null),
        text(map.packageVersion),
      );
    case OUTPUT_VALUE: {
      const value = map.value === undefined ? unknown : map.value;
      return map.secret === true ? new Secret(value) : value;
    }
    default:
      throw new Error(
        `a property value carries a signature that this stand-in does not know: ${JSON.stringify(signature)}`,
      );
  }
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Writes a map as a Struct. Properties in order of their names, as official plugins send them. */
export function encode(map: PropertyMap): struct.Struct {
  const message = new struct.Struct();
  const fields = message.getFieldsMap();
  for (const name of Object.keys(map).sort()) {
    const value = map[name];
    if (value !== undefined) fields.set(name, encodeValue(value));
  }
  return message;
}

function encodeValue(value: Value): struct.Value {
  const message = new struct.Value();
  if (value === null) return message.setNullValue(struct.NullValue.NULL_VALUE);
  if (typeof value === "boolean") return message.setBoolValue(value);
  if (typeof value === "number") return message.setNumberValue(value);
  if (typeof value === "string") return message.setStringValue(value);
  if (value instanceof Unknown) return message.setStringValue(UNKNOWN_TEXT);
  if (Array.isArray(value)) {
    return message.setListValue(new struct.ListValue().setValuesList(value.map(encodeValue)));
  }
  return message.setStructValue(encode(signed(value)));
}

function signed(value: PropertyMap | Secret | Asset | Archive | ResourceReference): PropertyMap {
  if (value instanceof Secret) return { [SIGNATURE]: SECRET, value: value.value };
  if (value instanceof Asset) {
    const content = value.source === "none" ? {} : { [value.source]: value.content };
    return { [SIGNATURE]: ASSET, ...content, ...(value.hash === "" ? {} : { hash: value.hash }) };
  }
  if (value instanceof Archive) {
    const content = value.source === "none" ? {} : { [value.source]: value.content };
    return { [SIGNATURE]: ARCHIVE, ...content, ...(value.hash === "" ? {} : { hash: value.hash }) };
  }
  if (value instanceof ResourceReference) {
    const id = value.id instanceof Unknown ? "" : value.id;
    return { [SIGNATURE]: RESOURCE_REFERENCE, urn: value.urn, id, packageVersion: value.packageVersion };
  }
  return value;
}
