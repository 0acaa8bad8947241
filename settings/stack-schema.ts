/** The rules and defaults of the stack's settings. */
import * as z from "zod";
import { certificateKeySchema, certificateSchema } from "./certificate.ts";
import { domainProblem } from "./domain.ts";
import { edgeSchema } from "./edge.ts";
import { hostKeySchema, hostSchema, identityFileSchema } from "./host.ts";
import { imageReference } from "./image.ts";
import { networkSchema } from "./network.ts";
import { wholeNumberOrText } from "./number.ts";
import { pinsSchema } from "./pins.ts";
import { registriesSchema } from "./registries.ts";
import { rule, setting } from "./schema.ts";
import { megabytes } from "./size.ts";

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

const ip = setting(z.ipv4(), {
  description:
    "The host's public IPv4 address, for a garden without a domain. Telegram calls it, so a change sets every bot's webhook anew. Give this or `domain`.",
  type: "IPv4 address",
  allowed: "an IPv4 address (Telegram calls no IPv6 address)",
  example: "203.0.113.5",
});

const platform = setting(z.enum(["linux/amd64", "linux/arm64"]), {
  description:
    "The host's processor architecture, for which bots' images are built on it. A change rebuilds every image.",
  type: "platform",
  allowed: "linux/amd64 or linux/arm64",
  example: "linux/arm64",
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

/** The stack's section `images`. */
export const imagesSchema = z.strictObject({
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
  certbot: imageReference({
    description:
      "The image of certbot, which gets certificates for `certificate.source` acme: certbot 2.10 or newer; 4.0 or newer for a profile, 5.4 or newer for an IP address. A change replaces its container; nothing else notices.",
    example: "certbot/certbot:v5.5.0",
  }).prefault("certbot/certbot:v5.5.0"),
});

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
  platform: platform.prefault("linux/amd64"),
  timezone: timezone.prefault("UTC"),
  network: networkSchema.prefault({}),
  images: imagesSchema.prefault({}),
  edge: edgeSchema.prefault({}),
  certificate: certificateSchema.prefault({}),
  certificateKey: certificateKeySchema.optional(),
  postgres: postgresSchema.prefault({}),
  telegram: telegramSchema.prefault({}),
  pins: pinsSchema.prefault({}),
  registries: registriesSchema.prefault({}),
});
