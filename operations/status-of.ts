/** The garden as `npm run status` tells of it: the facts of the host, put together bot by bot. */
import {
  type CertificateFacts,
  type ContainerFacts,
  type DiskFacts,
  type GardenFacts,
  type PostgresFacts,
  plain,
} from "./facts.ts";

/** A container, for people and programs. */
export interface ContainerStatus {
  readonly container: string;
  readonly image: { readonly id: string; readonly name: string | null };
  readonly state: string;
  /** `none` without a health check. */
  readonly health: ContainerFacts["health"];
  /** ISO 8601: since when the container exists, which is when the release was made. */
  readonly created: string;
  /** ISO 8601: since when it runs, or ran last. */
  readonly started: string;
  /** ISO 8601; null while it runs for the first time. */
  readonly finished: string | null;
  readonly exitCode: number;
  /** Whether the kernel ended it for want of memory. */
  readonly outOfMemory: boolean;
  readonly restarts: number;
  /** Bytes; null if it does not run or could not be measured. */
  readonly memory: number | null;
  /** Bytes; null for no limit. */
  readonly memoryLimit: number | null;
}

export interface WebhookStatus {
  /** What the bot's container was told; null for a bot that polls. */
  readonly wanted: string | null;
  /** What Telegram has; empty for none; null if Telegram did not answer. */
  readonly url: string | null;
  readonly right: boolean | null;
  readonly pending: number | null;
  readonly lastError: { readonly at: string; readonly message: string } | null;
  readonly customCertificate: boolean | null;
  readonly maxConnections: number | null;
  readonly address: string | null;
  /** Why Telegram could not be asked; `unauthorized` when it does not know the token. */
  readonly failure: string | null;
  readonly unauthorized: boolean;
}

export interface BotStatus {
  readonly name: string;
  /** The container that serves; null if there is none at all. */
  readonly release: ContainerStatus | null;
  /** The container that the edge sends updates and pages to. */
  readonly route: string | null;
  /** Further containers of the bot: a release that is under way, or one that failed its gate. */
  readonly others: readonly ContainerStatus[];
  /** Held on purpose. */
  readonly paused: boolean;
  /** ISO 8601: when it was last let go after it was held; null if it never was. */
  readonly resumed: string | null;
  readonly webhook: WebhookStatus;
  /** Null for a bot without a database, or when Postgres could not be asked. */
  readonly database: {
    readonly bytes: number;
    readonly connections: number;
    readonly limit: number | null;
  } | null;
  readonly wantsDatabase: boolean;
}

export interface GardenStatus {
  /** The host, `root@203.0.113.5`. */
  readonly host: string;
  /** ISO 8601, by the host's clock. */
  readonly time: string;
  readonly stacks: readonly string[];
  readonly bots: readonly BotStatus[];
  readonly edge: ContainerStatus | null;
  readonly certificate: (CertificateFacts & { readonly daysLeft: number }) | null;
  /** Whether webhooks were registered with a certificate of the garden's own. */
  readonly uploaded: boolean | null;
  readonly postgres:
    | (ContainerStatus & {
        readonly version: string | null;
        readonly connections: number | null;
        readonly maxConnections: number | null;
      })
    | null;
  readonly certbot: ContainerStatus | null;
  readonly docker: string;
  readonly memory: GardenFacts["memory"];
  readonly disks: readonly DiskFacts[];
}

/** Puts the facts together. Every text in the result is safe to print. */
export function statusOf(facts: GardenFacts, host: string): GardenStatus {
  const part = (name: string) => {
    const found = facts.containers.find((container) => container.part === name);
    return found === undefined ? null : containerStatus(found, facts);
  };
  const { certificate } = facts;
  return {
    host,
    time: new Date(facts.now * 1000).toISOString(),
    stacks: [...new Set(facts.containers.map(({ stack }) => plain(stack)))],
    bots: botNames(facts).map((name) => botStatus(name, facts)),
    edge: part("edge"),
    certificate: certificate === null ? null : certificateStatus(certificate, facts.now),
    uploaded: facts.uploaded,
    postgres: postgresStatus(part("postgres"), facts.postgres),
    certbot: part("certbot"),
    docker: plain(facts.docker.version),
    memory: facts.memory,
    disks: differentDisks(facts.disks ?? []),
  };
}

/** Bots with a container, and those of which only the route is left. */
function botNames({ containers, routes }: GardenFacts): string[] {
  const names = containers.flatMap(({ bot }) => (bot === null ? [] : [bot]));
  const order = new Intl.Collator("en", { numeric: true });
  return [...new Set([...names, ...Object.keys(routes ?? {})])].sort(order.compare);
}

function botStatus(name: string, facts: GardenFacts): BotStatus {
  const own = facts.containers.filter(({ bot }) => bot === name);
  const serving = own.find((container) => container.serving);
  const database = facts.postgres?.databases[name];
  const resumed = facts.resumed?.[name];
  return {
    name: plain(name),
    release: serving === undefined ? null : containerStatus(serving, facts),
    route: facts.routes?.[name] ?? null,
    others: own.filter((container) => container !== serving).map((each) => containerStatus(each, facts)),
    paused: facts.paused?.includes(name) ?? false,
    resumed: resumed === undefined ? null : new Date(resumed * 1000).toISOString(),
    webhook: webhookStatus(name, serving?.webhookUrl ?? null, facts),
    database:
      database === undefined
        ? null
        : { ...database, limit: database.limit === null || database.limit < 0 ? null : database.limit },
    wantsDatabase: serving?.wantsDatabase ?? false,
  };
}

function containerStatus(facts: ContainerFacts, { usage, images }: GardenFacts): ContainerStatus {
  const { state, health, created, started, finished, exitCode, outOfMemory, restarts } = facts;
  const name = images?.[facts.image] ?? null;
  return {
    container: plain(facts.name),
    image: { id: plain(facts.image), name: name === null ? null : plain(name) },
    state: plain(state),
    health,
    created,
    started,
    finished: finished.startsWith("0001-") ? null : finished,
    exitCode,
    outOfMemory,
    restarts,
    memory: usage?.[facts.name] ?? null,
    memoryLimit: facts.memoryLimit === 0 ? null : facts.memoryLimit,
  };
}

function webhookStatus(name: string, wanted: string | null, { webhooks }: GardenFacts): WebhookStatus {
  const answer = webhooks?.[name];
  const info = answer?.status === 200 ? answer.info : null;
  const error = info?.last_error_date;
  return {
    wanted: wanted === null ? null : plain(wanted),
    url: info === null ? null : plain(info.url),
    right: info === null ? null : info.url === (wanted ?? ""),
    pending: info?.pending_update_count ?? null,
    lastError:
      error === undefined
        ? null
        : {
            at: new Date(error * 1000).toISOString(),
            message: plain(info?.last_error_message ?? "no reason"),
          },
    customCertificate: info?.has_custom_certificate ?? null,
    maxConnections: info?.max_connections ?? null,
    address: info?.ip_address === undefined ? null : plain(info.ip_address),
    failure: info === null ? failureOf(answer) : null,
    // 404 is what Telegram answers to a text that has never been a token.
    unauthorized: answer?.status === 401 || answer?.status === 404,
  };
}

function failureOf(
  answer: { status: number; error: string; description: string | null } | undefined,
): string {
  if (answer === undefined) return "its container holds no token";
  // Without the time that it took: what is the same for all bots is told once.
  const words = plain(answer.description ?? answer.error).replace(/ after \d+ m?s(econds)?\b/, "");
  if (answer.status === 0) return words === "" ? "no answer" : words;
  return `${words === "" ? "no description" : words} (HTTP ${answer.status})`;
}

function certificateStatus(facts: CertificateFacts, now: number) {
  const { lastFailure } = facts;
  return {
    ...facts,
    issuer: plain(facts.issuer),
    daysLeft: Math.floor((Date.parse(facts.notAfter) / 1000 - now) / 86_400),
    lastFailure: lastFailure === null ? null : { at: lastFailure.at, reason: plain(lastFailure.reason) },
  };
}

function postgresStatus(container: ContainerStatus | null, facts: PostgresFacts | null) {
  if (container === null) return null;
  return {
    ...container,
    // Debian's build says more than the number.
    version: facts === null ? null : plain(facts.version).replace(/ .*$/, ""),
    connections: facts?.connections ?? null,
    maxConnections: facts?.maxConnections ?? null,
  };
}

/** A file system that is mounted twice is told once. */
function differentDisks(disks: readonly DiskFacts[]): DiskFacts[] {
  return disks.filter(
    ({ size, available }, index) =>
      disks.findIndex((other) => other.size === size && other.available === available) === index,
  );
}
