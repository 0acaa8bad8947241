/** What the front changes in Pebble's answers, and what it answers itself. */
import { plainProfile } from "./profiles.ts";

/** An answer to a client. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** A problem document (RFC 8555, section 6.7) with a fresh nonce, which every answer to a POST carries. */
export function problem(
  { status, type, detail }: { status: number; type: string; detail: string },
  headers: Readonly<Record<string, string>>,
): Answer {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail, status };
  return {
    status,
    headers: { ...headers, "content-type": "application/problem+json", "cache-control": "no-store" },
    body: Buffer.from(`${JSON.stringify(body, null, 2)}\n`),
  };
}

/** A JSON answer with another body. */
export function withBody(answer: Answer, value: unknown, headers: Record<string, string> = {}): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers }, body: Buffer.from(JSON.stringify(value)) };
}

/** The object of a JSON answer; undefined for anything else. */
export function objectIn({ headers, body }: Answer): Record<string, unknown> | undefined {
  const type = headers["content-type"];
  if (typeof type !== "string" || !/^application\/json\b/.test(type)) return undefined;
  const value: unknown = JSON.parse(body.toString("utf8"));
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Clients see the three profiles by their plain names (profiles.ts says why Pebble has more). */
export function withPlainProfiles(answer: Answer): Answer {
  const value = objectIn(answer);
  if (value === undefined) return answer;
  const { profile, meta } = value;
  if (typeof profile === "string") return withBody(answer, { ...value, profile: plainProfile(profile) });
  if (!isObject(meta) || !isObject(meta.profiles)) return answer;
  const profiles = Object.fromEntries(
    Object.entries(meta.profiles).map(([name, description]) => [plainProfile(name), description]),
  );
  return withBody(answer, { ...value, meta: { ...meta, profiles } });
}
