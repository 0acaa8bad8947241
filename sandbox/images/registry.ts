/**
 * A read-only registry (OCI distribution, pull part): Docker engines' mirror of Docker Hub, or a private registry.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md, sections "Pull" and "Error Codes".
 */
import { createReadStream, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { pipeline } from "node:stream/promises";
import { type Access, allowed, challenge, sendToken } from "./registry-access.ts";
import type { ImageStore, StoredImage } from "./store.ts";

/** What the mirror serves: "library/nginx:1.30.4" to the image in the store. */
export type Shelf = Readonly<Record<string, StoredImage>>;

/** What a registry server needs. */
export interface RegistryOptions {
  store: ImageStore;
  /** Asked at every request, so that images can be added while the server runs. */
  shelf: () => Shelf;
  /** Hears one line per manifest that is asked for. */
  log: (line: string) => void;
  /** PEM of the key and its certificate. Default: plain HTTP. */
  tls?: { key: string; cert: string };
  /** Who may read. Default: everyone. */
  access?: Access;
}

/** A request after its path was understood. */
interface Wanted {
  name: string;
  kind: "manifests" | "blobs";
  reference: string;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Makes the server; the caller listens. */
export function createRegistry(options: RegistryOptions): Server {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, request, response).catch((error: unknown) => {
      options.log(
        `${request.method} ${request.url}: ${error instanceof Error ? error.message : "broken off"}`,
      );
      if (response.headersSent) response.destroy();
      else fail(response, 500, "UNKNOWN", "the registry failed");
    });
  };
  return options.tls === undefined ? createServer(listener) : createSecureServer(options.tls, listener);
}

/** Reads the shelf from a file; a missing one is an empty shelf. */
export function readShelf(path: string): Shelf {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Shelf;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

async function answer(
  options: RegistryOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://registry");
  response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
  if (request.method !== "GET" && request.method !== "HEAD") {
    return fail(response, 405, "UNSUPPORTED", "this registry can only be read");
  }
  if (options.access !== undefined) {
    if (sendToken(options.access, request, response)) return;
    if (!allowed(options.access, request)) {
      response.setHeader("WWW-Authenticate", challenge(options.access, request, options.tls !== undefined));
      return fail(response, 401, "UNAUTHORIZED", "authentication required");
    }
  }
  if (url.pathname === "/v2/" || url.pathname === "/v2") {
    response.setHeader("Content-Type", "application/json");
    response.end("{}");
    return;
  }
  const namespace = url.searchParams.get("ns");
  const wanted = parsePath(url.pathname);
  if (!wanted || (namespace !== null && namespace !== "docker.io")) {
    return fail(response, 404, "NAME_UNKNOWN", "nothing of that name here");
  }
  if (wanted.kind === "blobs") return sendBlob(options, request, response, wanted);
  return sendManifest(options, request, response, wanted);
}

function parsePath(path: string): Wanted | undefined {
  const match =
    /^\/v2\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)\/(manifests|blobs)\/([A-Za-z0-9_][A-Za-z0-9._:-]{0,127})$/.exec(
      path,
    );
  const [, name, kind, reference] = match ?? [];
  if (!name || !reference || (kind !== "manifests" && kind !== "blobs")) return undefined;
  return { name, kind, reference };
}

async function sendManifest(
  options: RegistryOptions,
  request: IncomingMessage,
  response: ServerResponse,
  { name, reference }: Wanted,
): Promise<void> {
  const shelf = options.shelf();
  const image = digestPattern.test(reference)
    ? Object.entries(shelf).find(
        ([key, entry]) => key.startsWith(`${name}:`) && entry.digest === reference,
      )?.[1]
    : shelf[`${name}:${reference}`];
  options.log(`${request.method} ${name}:${reference} ${image ? image.digest : "not here"}`);
  if (!image)
    return fail(response, 404, "MANIFEST_UNKNOWN", `${name}:${reference} is not among the sandbox's images`);
  response.setHeader("Content-Type", image.mediaType);
  await sendFile(options.store.blobPath(image.digest), image.digest, request, response);
}

async function sendBlob(
  options: RegistryOptions,
  request: IncomingMessage,
  response: ServerResponse,
  { reference }: Wanted,
): Promise<void> {
  if (!digestPattern.test(reference))
    return fail(response, 400, "DIGEST_INVALID", "that is no sha256 digest");
  response.setHeader("Content-Type", "application/octet-stream");
  await sendFile(options.store.blobPath(reference), reference, request, response);
}

async function sendFile(
  path: string,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const size = await stat(path).then(
    (entry) => entry.size,
    () => undefined,
  );
  if (size === undefined) return fail(response, 404, "BLOB_UNKNOWN", `${digest} is not here`);
  const range = parseRange(request.headers.range, size);
  if (range === "unsatisfiable") {
    response.setHeader("Content-Range", `bytes */${size}`);
    return fail(response, 416, "SIZE_INVALID", "the range lies outside the content");
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) response.setHeader("Content-Range", `bytes ${start}-${end}/${size}`);
  response.setHeader("Docker-Content-Digest", digest);
  response.setHeader("Etag", `"${digest}"`);
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("Content-Length", end - start + 1);
  response.statusCode = range ? 206 : 200;
  if (request.method === "HEAD" || size === 0) {
    response.end();
    return;
  }
  await pipeline(createReadStream(path, { start, end, highWaterMark: 1 << 20 }), response);
}

/** One byte range, as engines ask for the rest of a broken download; several ranges count as none. */
function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  return start < size && start <= end ? { start, end } : "unsatisfiable";
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
