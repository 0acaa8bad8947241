/** Remembers what clients asked the authority for. */
import { X509Certificate } from "node:crypto";
import { type Answer, objectIn } from "./answers.ts";
import type { CertificateSeen, Counts, OrderSeen } from "./control-api.ts";

/** An exchange that is over. */
export interface Exchange {
  readonly path: string;
  /** The request's body. */
  readonly request: Buffer;
  readonly answer: Answer;
}

/** What a request is for, by its path at Pebble. */
export type Purpose = "newAccount" | "newOrder" | "authorization" | "renewalInfo" | "other";

const purposes: readonly (readonly [start: string, purpose: Purpose])[] = [
  ["/sign-me-up", "newAccount"],
  ["/order-plz", "newOrder"],
  ["/authZ/", "authorization"],
  ["/draft-ietf-acme-ari-03/renewalInfo/", "renewalInfo"],
];

/** Source of the paths: Pebble, wfe/wfe.go. */
export function purposeOf(path: string): Purpose {
  return purposes.find(([start]) => path.startsWith(start))?.[1] ?? "other";
}

/** A certificate, and whether the authority wants it renewed at once. */
export interface KnownCertificate {
  readonly certificate: CertificateSeen;
  readonly due: boolean;
}

/** The memory of a front. */
export class Observer {
  #requests = 0;
  #newAccounts = 0;
  #refused = 0;
  #renewalInfos = 0;
  #orders: OrderSeen[] = [];
  #failed = new Set<string>();
  #certificates = new Map<string, CertificateSeen>();
  /** Also those from before the last reset: a client may ask when they are due. */
  #known = new Map<bigint, KnownCertificate>();

  /** Takes in an exchange. */
  see({ path, request, answer }: Exchange): void {
    const purpose = purposeOf(path);
    this.#requests += 1;
    // The client only asks once more.
    if (answer.body.includes("urn:ietf:params:acme:error:badNonce")) return;
    if (answer.status === 429) this.#refused += 1;
    if (purpose === "newAccount") this.#newAccounts += 1;
    if (purpose === "newOrder") this.#orders.push(seenOrder(request, answer.status));
    if (purpose === "renewalInfo") this.#renewalInfos += 1;
    if (purpose === "authorization" && objectIn(answer)?.status === "invalid") this.#failed.add(path);
    const type = answer.headers["content-type"];
    if (typeof type === "string" && type.startsWith("application/pem-certificate-chain")) {
      this.#issued(answer.body);
    }
  }

  #issued(chain: Buffer): void {
    const certificate = new X509Certificate(chain);
    const { serialNumber: serial, subjectAltName = "", validFromDate, validToDate } = certificate;
    const seen = {
      serial,
      names: subjectAltName.split(", ").filter((name) => name !== ""),
      notBefore: validFromDate.getTime(),
      notAfter: validToDate.getTime(),
    };
    this.#certificates.set(serial, seen);
    // A client may fetch it twice.
    const key = BigInt(`0x${serial}`);
    if (!this.#known.has(key)) this.#known.set(key, { certificate: seen, due: false });
  }

  /** The certificate of a serial number, also from before the last reset. */
  known(serial: bigint): KnownCertificate | undefined {
    return this.#known.get(serial);
  }

  /** All certificates that were fetched until now are due at once. */
  makeAllDue(): void {
    for (const [serial, { certificate }] of this.#known) this.#known.set(serial, { certificate, due: true });
  }

  /** @see Counts */
  counts(): Counts {
    return {
      requests: this.#requests,
      newAccounts: this.#newAccounts,
      newOrders: this.#orders.length,
      refused: this.#refused,
      failedAuthorizations: this.#failed.size,
      certificates: this.#certificates.size,
      renewalInfos: this.#renewalInfos,
    };
  }

  orders(): OrderSeen[] {
    return [...this.#orders];
  }

  certificates(): CertificateSeen[] {
    return [...this.#certificates.values()];
  }

  reset(): void {
    this.#requests = 0;
    this.#newAccounts = 0;
    this.#refused = 0;
    this.#renewalInfos = 0;
    this.#orders = [];
    this.#failed.clear();
    this.#certificates.clear();
  }
}

function seenOrder(request: Buffer, status: number): OrderSeen {
  const { identifiers = [], profile, replaces } = orderIn(request) ?? {};
  return {
    at: Date.now(),
    identifiers: identifiers.map(({ value }) => value),
    ...(profile === undefined ? {} : { profile }),
    ...(replaces === undefined ? {} : { replaces }),
    status,
  };
}

/** What a client wants, as it says it. */
export interface WantedOrder {
  readonly identifiers?: readonly { readonly value: string }[];
  readonly profile?: string;
  readonly replaces?: string;
}

/** The order in a signed request (RFC 8555, sections 6.2 and 7.4); undefined when no ACME client wrote it. */
export function orderIn(request: Buffer): WantedOrder | undefined {
  try {
    const { payload = "" }: { payload?: string } = JSON.parse(request.toString("utf8"));
    const order: WantedOrder = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return order;
  } catch {
    return undefined;
  }
}
