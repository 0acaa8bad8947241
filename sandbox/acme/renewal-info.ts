/** When the authority tells clients to renew (ARI, RFC 9773). */
import type { CertificateSeen } from "./control-api.ts";

/** Certificates that live shorter than this (milliseconds) are renewed at half of their life, others at two thirds. */
const shortLife = 10 * 24 * 3600_000;

/** What a client is told. */
export interface RenewalAdvice {
  readonly suggestedWindow: { readonly start: string; readonly end: string };
  /** Seconds until the client shall ask again. */
  readonly retryAfter: number;
}

/**
 * Pebble's window is two days wide whatever the lifetime, so that a certificate of some minutes may be due the
 * moment it is issued, and it asks clients to come again after 6 hours. Here it is as Let's Encrypt has it: two
 * hundredths of the lifetime around two thirds of it, or around the half for short-lived ones (Boulder,
 * core/objects.go: RenewalInfoSimple); and clients shall look again after a fiftieth of it, at most 6 hours.
 */
export function adviceFor({ notBefore, notAfter }: CertificateSeen): RenewalAdvice {
  const life = notAfter - notBefore + 1000;
  const due = notBefore + (life < shortLife ? life / 2 : (life * 2) / 3);
  return {
    suggestedWindow: window(due - life / 100, due + life / 100),
    retryAfter: Math.min(6 * 3600, Math.max(1, Math.round(life / 50_000))),
  };
}

/** For a certificate that must be renewed now: the window is over. */
export function adviceToRenewNow(now: number): RenewalAdvice {
  return { suggestedWindow: window(now - 7200_000, now - 3600_000), retryAfter: 6 * 3600 };
}

function window(start: number, end: number): RenewalAdvice["suggestedWindow"] {
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}

/** The serial number in the path of a question: `…/<authority's key>.<serial>`, both in base64url (section 4.1). */
export function serialIn(path: string): bigint | undefined {
  const [, text = ""] = /\/[\w-]+\.([\w-]+)$/.exec(path) ?? [];
  const hex = Buffer.from(text, "base64url").toString("hex");
  return hex === "" ? undefined : BigInt(`0x${hex}`);
}
