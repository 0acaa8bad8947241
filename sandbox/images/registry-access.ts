/**
 * Who may read a registry. Registries ask in one of two ways: for the password at each request (RFC 7617), or for a
 * token that another URL hands out against the password
 * (https://distribution.github.io/distribution/spec/auth/token/).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** The one login of a private registry. */
export interface Access {
  readonly username: string;
  readonly password: string;
  /** How the registry asks. */
  readonly by: "password" | "token";
}

const TOKEN_PATH = "/token";

/** True if the request carries what opens the registry. */
export function allowed(access: Access, request: IncomingMessage): boolean {
  const given = request.headers.authorization ?? "";
  return same(given, access.by === "token" ? `Bearer ${tokenOf(access)}` : basic(access));
}

/** The header `WWW-Authenticate` for a request that may not pass. */
export function challenge(access: Access, request: IncomingMessage, secure: boolean): string {
  const host = request.headers.host ?? "";
  if (access.by === "password") return `Basic realm="${host}"`;
  const name = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(request.url ?? "")?.[1];
  const scope = name === undefined ? "" : `,scope="repository:${name}:pull"`;
  return `Bearer realm="${secure ? "https" : "http"}://${host}${TOKEN_PATH}",service="${host}"${scope}`;
}

/** Answers a request for a token; false if the request is none. */
export function sendToken(access: Access, request: IncomingMessage, response: ServerResponse): boolean {
  const path = (request.url ?? "").split("?")[0];
  if (access.by !== "token" || path !== TOKEN_PATH) return false;
  const right = same(request.headers.authorization ?? "", basic(access));
  response.statusCode = right ? 200 : 401;
  response.setHeader("Content-Type", "application/json");
  response.end(
    JSON.stringify(right ? { token: tokenOf(access) } : { details: "incorrect username or password" }),
  );
  return true;
}

function basic({ username, password }: Access): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function tokenOf({ username, password }: Access): string {
  return createHash("sha256").update(`${username}:${password}`).digest("hex");
}

function same(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
