/** What tests can do with the sandbox's ACME authority, and what they can learn from it. */

/**
 * How the authority meets its clients: as it is, not at all (connections are refused), or with rate limits used
 * up (429 for new accounts and new orders, as Let's Encrypt does).
 */
export type Mode = "pass" | "down" | "busy";

/** An order that a client asked for, whether it was let through or not. */
export interface OrderSeen {
  /** Unix time in milliseconds. */
  readonly at: number;
  /** Names and addresses. */
  readonly identifiers: readonly string[];
  /** The profile that the client asked for. */
  readonly profile?: string;
  /** The certificate that it replaces (ARI), as the client names it. */
  readonly replaces?: string;
  /** The HTTP status that the client got: 201, 429 when the authority was busy, 4xx when Pebble refused it. */
  readonly status: number;
}

/** A certificate that a client fetched. */
export interface CertificateSeen {
  /** As OpenSSL prints it: hex digits, upper case. */
  readonly serial: string;
  /** "DNS:garden.test", "IP Address:10.0.0.1". */
  readonly names: readonly string[];
  /** Unix time in milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What was asked for since the start or the last `reset`. */
export interface Counts {
  /** All requests. */
  readonly requests: number;
  readonly newAccounts: number;
  /** All tries to make an order: what an authority's limits count. */
  readonly newOrders: number;
  /** Answers with 429. */
  readonly refused: number;
  /** Authorizations that turned out invalid: an authority's limit of failed validations counts them. */
  readonly failedAuthorizations: number;
  /** Different certificates that clients fetched. */
  readonly certificates: number;
  /** Questions for the time of renewal (ARI). */
  readonly renewalInfos: number;
}

/** Certificates in PEM form. */
export interface Roots {
  /** Signed, through an intermediate, all that the authority issues. */
  readonly issuers: string;
  /** Signed the HTTPS certificate of the ACME server itself. */
  readonly server: string;
  /** Both: what the stack setting `certificate.authority` takes. */
  readonly authority: string;
}

/** The control calls. */
export interface AcmeControl {
  /** @param retryAfter - seconds that a busy authority names in Retry-After. @default 3600 */
  setMode(order: { mode: Mode; retryAfter?: number }): Promise<void>;
  counts(): Promise<Counts>;
  /** The orders since the start or the last `reset`, the oldest first. */
  orders(): Promise<OrderSeen[]>;
  /** The certificates since the start or the last `reset`, the oldest first. */
  certificates(): Promise<CertificateSeen[]>;
  roots(): Promise<Roots>;
  /**
   * Tells clients that ask for the time of renewal (ARI) that all certificates which were fetched until now are due at
   * once. Clients that asked a while ago ask again when they were told to: after a fiftieth of the lifetime.
   */
  renewAll(): Promise<void>;
  /** Starts counting at zero. The mode stays. */
  reset(): Promise<void>;
}

/** The names of the calls. */
export const calls = [
  "setMode",
  "counts",
  "orders",
  "certificates",
  "roots",
  "renewAll",
  "reset",
] as const satisfies readonly (keyof AcmeControl)[];
