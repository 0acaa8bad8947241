/**
 * A client of the Docker Engine API: version negotiation, JSON, and errors worded as docker's own client words
 * them (docker/docker v28.5.2, client/request.go), since the official plugin shows those.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { EngineAddress } from "./address.ts";
import { type Request, Transport } from "./transport.ts";

/** The newest API that the official plugin's client speaks; an older engine's own version is used with it. */
const NEWEST_API = "1.51";

/** The engine answered, and the answer is an error. */
export class EngineError extends Error {
  /** The HTTP status: 404 not found, 409 conflict, and so on. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Whether the engine said that the thing does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

/** What a request may carry. Query values that are undefined are left out. */
export interface CallOptions {
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly json?: unknown;
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A client of one engine. Nothing is opened before the first request. */
export class EngineClient {
  readonly #transport: Transport;
  #version: Promise<string> | undefined;

  constructor(address: EngineAddress) {
    this.#transport = new Transport(address);
  }

  /**
   * Asks the engine whether it is there.
   *
   * @returns the API version that it speaks
   * @throws ConnectionFailed, or EngineError for another answer than OK
   */
  async ping(signal?: AbortSignal): Promise<string> {
    const response = await this.#transport.send({ method: "HEAD", path: "/_ping", ...withSignal(signal) });
    response.resume();
    const status = response.statusCode ?? 0;
    // 500 is an engine that is there but unwell; docker's client counts that as an answer too.
    if (status >= 400 && status !== 500)
      throw new EngineError(status, `request returned ${status} for /_ping`);
    const version = response.headers["api-version"];
    return typeof version === "string" ? version : "1.24";
  }

  /** The API version in use: the older one of the client's and the engine's. Asks once. */
  async version(signal?: AbortSignal): Promise<string> {
    this.#version ??= this.ping(signal).then((engine) => (isOlder(engine, NEWEST_API) ? engine : NEWEST_API));
    try {
      return await this.#version;
    } catch (error) {
      this.#version = undefined;
      throw error;
    }
  }

  /** Sends a request and reads the JSON answer; undefined when the answer is empty. */
  async json(method: Request["method"], path: string, options: CallOptions = {}): Promise<unknown> {
    const response = await this.stream(method, path, options);
    const text = (await readAll(response)).toString("utf8");
    return text.trim() === "" ? undefined : (JSON.parse(text) as unknown);
  }

  /** Sends a request and gives the answer as a stream, its status already checked. */
  async stream(method: Request["method"], path: string, options: CallOptions = {}): Promise<IncomingMessage> {
    const response = await this.#transport.send({
      method,
      path: `/v${await this.version(options.signal)}${path}${queryText(options.query)}`,
      headers: {
        ...(options.json === undefined ? {} : { "Content-Type": "application/json" }),
        ...options.headers,
      },
      ...bodyOf(method, options),
      ...withSignal(options.signal),
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 400) return response;
    throw new EngineError(status, await errorText(response, status));
  }

  /** Opens a connection that speaks another protocol from then on. The path carries no version. */
  upgrade(path: string, headers: Readonly<Record<string, string | readonly string[]>>): Promise<Duplex> {
    return this.#transport.upgrade({ method: "POST", path, headers });
  }

  /** Closes kept connections. */
  close(): void {
    this.#transport.close();
  }
}

/** Reads a response to its end. */
export async function readAll(response: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Whether API version `a` is older than `b`. */
export function isOlder(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function bodyOf(method: Request["method"], options: CallOptions): { body?: Buffer | AsyncIterable<Buffer> } {
  if (options.json !== undefined) return { body: Buffer.from(JSON.stringify(options.json)) };
  if (options.body !== undefined) return { body: options.body };
  // Without it Node would announce a body in chunks.
  return method === "POST" || method === "PUT" ? { body: Buffer.alloc(0) } : {};
}

function queryText(query: CallOptions["query"]): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const item of typeof value === "string" ? [value] : (value ?? [])) search.append(name, item);
  }
  return search.size === 0 ? "" : `?${search.toString()}`;
}

async function errorText(response: IncomingMessage, status: number): Promise<string> {
  const text = (await readAll(response)).toString("utf8").trim();
  if (text === "")
    return `request returned ${status}; check if the server supports the requested API version`;
  return `Error response from daemon: ${messageIn(text) ?? text}`;
}

function messageIn(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (
      typeof parsed === "object" &&
      parsed !== null &&
      "message" in parsed &&
      typeof parsed.message === "string"
    ) {
      return parsed.message.trim();
    }
  } catch {
    // Not JSON: the text itself is the message.
  }
  return undefined;
}
