/**
 * The stack's settings: what Pulumi's configuration holds in the namespace `botgarden`
 * (`pulumi config set botgarden:host root@203.0.113.5`).
 */
import { isIPv4 } from "node:net";
import * as z from "zod";
import { type Fault, SettingsError } from "./fault.ts";
import { hostKeySchema, hostSchema, identityFileSchema } from "./host.ts";
import { imageReference } from "./image.ts";
import { check, type Place } from "./issues.ts";
import { networkSchema } from "./network.ts";
import { wholeNumberOrText } from "./number.ts";
import { rule, setting, shapeOf } from "./schema.ts";
import { shown, shownPath } from "./shown.ts";
import { megabytes } from "./size.ts";

/** The namespace of the stack's settings in Pulumi's configuration. */
export const NAMESPACE = "botgarden";

const DOMAIN_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(?=.{4,253}$)(?:${DOMAIN_LABEL}\\.)+(?=[a-z0-9-]*[a-z])${DOMAIN_LABEL}$`);

const domain = setting(z.string(), {
  description:
    "The garden's public DNS name; its A record points to the host. Telegram calls it, so a change sets every bot's webhook anew. Give this or `ip`.",
  type: "DNS name",
  allowed: "a DNS name in lower case without scheme, port or path",
  example: "bots.example.com",
}).check((context) => {
  const problem = domainProblem(context.value);
  if (problem !== undefined) context.issues.push({ code: "custom", message: problem, input: context.value });
});

function domainProblem(text: string): string | undefined {
  if (DOMAIN.test(text)) return undefined;
  if (isIPv4(text)) return 'is an IP address, which belongs in "ip"';
  return text !== text.toLowerCase() && DOMAIN.test(text.toLowerCase())
    ? "has upper-case letters"
    : "is not a DNS name";
}

const ip = setting(z.ipv4(), {
  description:
    "The host's public IPv4 address, for a garden without a domain. Telegram calls it, so a change sets every bot's webhook anew. Give this or `domain`.",
  type: "IPv4 address",
  allowed: "an IPv4 address (Telegram calls no IPv6 address)",
  example: "203.0.113.5",
});

const timezone = setting(z.string(), {
  description:
    "The time zone of the containers (`TZ`), for logs and for bots. A change replaces every container.",
  type: "time zone",
  allowed: 'a name of the IANA time zone database like "Europe/Berlin" or "UTC"',
  example: "Europe/Berlin",
}).check((context) => {
  if (isTimeZone(context.value)) return;
  context.issues.push({ code: "custom", message: "is not a time zone", input: context.value });
});

function isTimeZone(name: string): boolean {
  // Intl also takes offsets like "+02:00", which mean nothing to TZ.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const imagesSchema = z.strictObject({
  nginx: imageReference({
    description:
      "The edge's image, nginx 1.25 or newer. A change replaces the edge: about a second of refused connections.",
    example: "nginx:1.30.4",
  }).prefault("nginx:1.30.4"),
  postgres: imageReference({
    description:
      "The database's image, Postgres 16 or newer. A change within one major version restarts the database; another major version can't read the old one's data.",
    example: "postgres:18.6",
  }).prefault("postgres:18.6"),
});

const httpsPorts = [443, 80, 88, 8443];

const edgeSchema = rule(
  z.strictObject({
    httpPort: wholeNumberOrText(
      { from: 1, to: 65535 },
      {
        description: "The host's port for plain HTTP, which redirects to HTTPS. A change replaces the edge.",
        example: "80",
      },
    ).prefault(80),
    httpsPort: wholeNumberOrText(
      { from: 1, to: 65535 },
      {
        description:
          "The host's port for HTTPS, which Telegram calls. A change replaces the edge and sets every bot's webhook anew.",
        allowed: "443, 80, 88 or 8443, as Telegram calls no other port",
        example: "443",
      },
    )
      .check((context) => {
        if (httpsPorts.includes(context.value)) return;
        context.issues.push({
          code: "custom",
          message: "is a port that Telegram doesn't call",
          input: context.value,
        });
      })
      .prefault(443),
  }),
  {
    path: "httpPort",
    problem: "and edge.httpsPort are the same, but each needs a port of its own",
    fix: "Set one of them with: pulumi config set --path botgarden:edge.httpPort 80",
  },
  ({ httpPort, httpsPort }) => httpPort !== httpsPort,
);

const postgresSchema = rule(
  z.strictObject({
    maxConnections: wholeNumberOrText(
      { from: 10, to: 1000 },
      {
        description:
          "PostgreSQL's `max_connections`. All bots' connection limits together, and 10 for backups and administration, must fit. Each connection takes 5 to 10 MB when used. A change restarts the database.",
        example: "60",
      },
    ).prefault(60),
    sharedBuffers: megabytes(
      { from: 1, to: 65536 },
      {
        description:
          "PostgreSQL's `shared_buffers`, its cache; about a quarter of `memory`. A change restarts the database.",
        example: "128 MB",
      },
    ).prefault("128 MB"),
    memory: megabytes(
      { from: 64, to: 1048576 },
      {
        description:
          "The database container's memory limit (Docker's `--memory`). A change restarts the database.",
        example: "512 MB",
      },
    ).prefault("512 MB"),
    loopbackPort: wholeNumberOrText(
      { from: 1024, to: 65535 },
      {
        description:
          "A port of the host's own 127.0.0.1 that leads to the database, for you over an SSH tunnel; without it the database has no port on the host. A change restarts the database.",
        example: "5432",
      },
    ).optional(),
  }),
  {
    path: "sharedBuffers",
    problem: "is not smaller than postgres.memory, so the database couldn't start",
    fix: "A quarter of it is right. Set it with: pulumi config set --path botgarden:postgres.memory '512 MB'",
  },
  ({ sharedBuffers, memory }) =>
    typeof sharedBuffers !== "number" || typeof memory !== "number" || sharedBuffers < memory,
);

const telegramSchema = z.strictObject({
  apiRoot: setting(z.string(), {
    description:
      "Where Telegram's Bot API is: your own Bot API server, or the sandbox's. A change sets every bot's webhook anew and replaces every bot's container.",
    type: "URL",
    allowed: "an http or https URL without path, query and user",
    example: "https://api.telegram.org",
  })
    .transform((value, context): string => {
      const root = apiRoot(value);
      if (root !== undefined) return root;
      context.addIssue({ code: "custom", message: "is not the root of an HTTP server", input: value });
      return z.NEVER;
    })
    .prefault("https://api.telegram.org"),
});

function apiRoot(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:\/\//.test(text)) return undefined;
  return text === url.origin || text === `${url.origin}/` ? url.origin : undefined;
}

/** The stack's settings, one key each of the namespace `botgarden`. */
export const stackSchema = z.strictObject({
  host: hostSchema,
  hostKey: hostKeySchema.optional(),
  identityFile: identityFileSchema.optional(),
  domain: domain.optional(),
  ip: ip.optional(),
  timezone: timezone.prefault("UTC"),
  network: networkSchema.prefault({}),
  images: imagesSchema.prefault({}),
  edge: edgeSchema.prefault({}),
  postgres: postgresSchema.prefault({}),
  telegram: telegramSchema.prefault({}),
});

type Parsed = z.output<typeof stackSchema>;

/** The checked settings of a stack, with every default filled in. */
export interface StackSettings extends Omit<Parsed, "domain" | "ip"> {
  /** What Telegram and people call: the domain or the IPv4 address. */
  readonly publicName:
    | { readonly kind: "domain"; readonly name: string }
    | { readonly kind: "ip"; readonly name: string };
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
  ];
  if (faults.length > 0 || result.value === undefined) throw new SettingsError(faults);
  const { domain: domainName, ip: address, ...settings } = result.value;
  return {
    ...settings,
    publicName:
      domainName === undefined ? { kind: "ip", name: address ?? "" } : { kind: "domain", name: domainName },
  };
}

function placeOf(options: StackOptions): Place {
  const path = (keys: readonly PropertyKey[]): string => `${NAMESPACE}:${shownPath(keys)}`;
  return {
    where: options.where ?? "stack settings",
    path,
    fix: (keys, example) =>
      `Set it with: pulumi config set ${keys.length > 1 ? "--path " : ""}${path(keys)} ${example}`,
    isSecret: (keys) => options.secretKeys?.has(String(keys[0])) ?? false,
  };
}

/** Reads the JSON text of the keys that are objects; everything else stays text. */
function decode(raw: Readonly<Record<string, string>>, place: Place) {
  const faults: Fault[] = [];
  const entries = Object.entries(raw).map(([key, text]): [string, unknown] => {
    const shape = Object.hasOwn(stackSchema.shape, key)
      ? shapeOf(stackSchema.shape[key as keyof Parsed])
      : undefined;
    if (shape === undefined) return [key, text];
    const value = parseObject(text);
    if (value !== undefined) return [key, value];
    const inner = Object.keys(shape).join(", ");
    faults.push({
      where: place.where,
      path: place.path([key]),
      problem: `is not an object with settings (${inner})`,
      got: place.isSecret?.([key]) ? undefined : shown(text),
      fix: `Set them one by one, with: pulumi config set --path ${place.path([key, Object.keys(shape)[0] ?? ""])} VALUE`,
    });
    return [key, {}];
  });
  return { values: Object.fromEntries(entries), faults };
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
