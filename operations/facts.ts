/** What status.sh prints. Texts come from the host, from images and from Telegram: print them through `plain`. */

/** A container of the garden. Moments are ISO 8601, sizes bytes. */
export interface ContainerFacts {
  readonly name: string;
  /** The Pulumi stack that made it. */
  readonly stack: string;
  readonly part: string;
  readonly bot: string | null;
  /** The image's id. */
  readonly image: string;
  /** Docker's word: `running`, `exited`, `restarting`, `created`, `paused`, `dead`. */
  readonly state: string;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  readonly health: "healthy" | "unhealthy" | "starting" | "none";
  /** How often Docker started it again since it was made. */
  readonly restarts: number;
  readonly created: string;
  readonly started: string;
  /** Year 1 if it never ended. */
  readonly finished: string;
  /** 0 for none. */
  readonly memoryLimit: number;
  /** The WEBHOOK_URL that the container was given; null for a bot that polls. */
  readonly webhookUrl: string | null;
  readonly wantsDatabase: boolean;
  /** Of a bot: the one that gets its updates. */
  readonly serving: boolean;
}

/** Telegram's answer to getWebhookInfo (core.telegram.org/bots/api#webhookinfo); moments in Unix seconds. */
export interface WebhookInfo {
  readonly url: string;
  readonly has_custom_certificate: boolean;
  readonly pending_update_count: number;
  readonly ip_address?: string;
  readonly last_error_date?: number;
  readonly last_error_message?: string;
  readonly max_connections?: number;
}

export interface TelegramAnswer {
  /** HTTP's; 0 if there was no answer. */
  readonly status: number;
  /** curl's words when there was no answer. */
  readonly error: string;
  /** Telegram's words when it refused. */
  readonly description: string | null;
  readonly info: WebhookInfo | null;
}

export interface PostgresFacts {
  readonly version: string;
  readonly maxConnections: number;
  readonly connections: number;
  /** By name; `limit` is the role's, -1 for none and null without a role. */
  readonly databases: Readonly<
    Record<string, { readonly bytes: number; readonly connections: number; readonly limit: number | null }>
  >;
}

export interface CertificateFacts {
  /** `unknown` where the host has no script `certificate`. */
  readonly source: "placeholder" | "issued" | "given" | "unknown";
  readonly issuer: string;
  readonly names: readonly string[];
  readonly serial: string;
  /** ISO 8601. */
  readonly notBefore: string;
  /** ISO 8601. */
  readonly notAfter: string;
  /** Whether the edge serves this very certificate. */
  readonly served: "yes" | "other" | "no";
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
  readonly nextTry: string | null;
}

export interface DiskFacts {
  readonly mount: string;
  readonly size: number;
  readonly available: number;
  readonly usedPercent: number;
  /** Null on a file system without a fixed number of files. */
  readonly inodesPercent: number | null;
}

/** A host whose Docker cannot be asked tells nothing else. */
export interface NoDocker {
  readonly docker: { readonly state: "absent" | "denied" | "down" | "unprepared" };
}

/** What could not be found out is null. */
export interface GardenFacts {
  readonly docker: { readonly state: "ok"; readonly version: string };
  /** The host's clock, Unix seconds. */
  readonly now: number;
  readonly memory: { readonly total: number; readonly available: number } | null;
  readonly disks: readonly DiskFacts[] | null;
  readonly containers: readonly ContainerFacts[];
  /** Bytes by the container's name. */
  readonly usage: Readonly<Record<string, number>> | null;
  /** An image's name by its id; null for one without. */
  readonly images: Readonly<Record<string, string | null>> | null;
  /** The container that a bot's route names, by the bot. */
  readonly routes: Readonly<Record<string, string>> | null;
  /** Bots that are held on purpose. */
  readonly paused: readonly string[] | null;
  /** When a bot was last let go after it was held, Unix seconds. */
  readonly resumed: Readonly<Record<string, number>> | null;
  /** Whether the webhooks were registered with a certificate of the garden's own; null if that is not known. */
  readonly uploaded: boolean | null;
  readonly webhooks: Readonly<Record<string, TelegramAnswer>> | null;
  readonly postgres: PostgresFacts | null;
  readonly certificate: CertificateFacts | null;
}

/** A text from outside on one line, without what a terminal would obey. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
}
