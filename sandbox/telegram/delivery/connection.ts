import { Agent, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { gunzipSync, inflateSync } from "node:zlib";
import type { Clock, Release } from "../clock.ts";
import type { LoadedUpdate } from "./lanes.ts";
import { describeConnectionError } from "./tls.ts";

/** A connection lives this long without an answer to a request, or without a request (milliseconds). */
const IDLE_LIMIT_MS = 60_000;

/** The most that a webhook's answer may hold, in bytes. */
const LARGEST_ANSWER = 10 * 1024 * 1024;

/** A webhook's answer to one update. */
export interface Reply {
  status: number;
  reason: string;
  retryAfter: string | undefined;
  contentType: string;
  body: Buffer;
  keepAlive: boolean;
}

/** What the owner of a connection hears. Exactly one of the two follows each `post`. */
export interface ConnectionEvents {
  reply(connection: Connection, reply: Reply): void;
  /** The connection is gone. Without an error the webhook just closed it. */
  closed(connection: Connection, error: string | undefined): void;
}

/** Keeps http's client on the one socket that we made and watch. */
class OneSocketAgent extends Agent {
  #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): Duplex {
    return this.#socket;
  }

  /** Telegram has its own idle time and doesn't read `Keep-Alive: timeout=…`. */
  override keepSocketAlive(socket: Duplex): boolean {
    return !socket.destroyed;
  }
}

/** One kept-alive HTTPS connection to a webhook; it carries one update at a time. */
export class Connection {
  /** The update that waits for an answer. */
  update: LoadedUpdate | undefined;
  /** Which resolved address it goes to; a newer one ends it after its answer. */
  readonly generation: number;
  #socket: TLSSocket;
  #agent: OneSocketAgent;
  #clock: Clock;
  #events: ConnectionEvents;
  #open = true;
  #lastLive: number;
  #cancelTimer: Release;
  #releaseHold: Release | undefined;

  constructor(options: ConnectionOptions, clock: Clock, generation: number, events: ConnectionEvents) {
    this.generation = generation;
    this.#clock = clock;
    this.#events = events;
    this.#socket = connect(options);
    this.#socket.setNoDelay(true);
    this.#agent = new OneSocketAgent(this.#socket);
    this.#socket.on("error", (error) => this.#end(describeConnectionError(error)));
    this.#socket.on("close", () => this.#end(undefined));
    this.#lastLive = clock.now();
    this.#cancelTimer = clock.after(IDLE_LIMIT_MS, () => this.#checkIdle());
  }

  /** Sends an update; the answer or the end of the connection comes by the events. */
  post(update: LoadedUpdate, path: string, headers: Record<string, string>, body: Buffer): void {
    this.update = update;
    this.#live();
    this.#releaseHold = this.#clock.hold();
    const call = request({ method: "POST", path, headers, agent: this.#agent, setHost: false });
    call.on("error", (error) => this.#end(endedQuietly(error) ? undefined : describeConnectionError(error)));
    call.on("response", (response) => this.#read(response));
    call.end(body);
  }

  /** Closes it without telling anyone. */
  close(): void {
    this.#open = false;
    this.#release();
    this.#socket.destroy();
    this.#agent.destroy();
  }

  #read(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_ANSWER) this.#end(`Request Entity Too Large: content length is ${size}`);
      else chunks.push(chunk);
    });
    response.on("error", () => this.#end(undefined));
    response.on("end", () => {
      if (!response.complete || !this.#open) return;
      let body: Buffer;
      try {
        body = decode(Buffer.concat(chunks), response.headers["content-encoding"]);
      } catch (error) {
        this.#end(error instanceof Error ? error.message : "Bad Request: can't read the answer");
        return;
      }
      this.#replied(response, body);
    });
  }

  #replied(response: IncomingMessage, body: Buffer): void {
    this.#live();
    // The agent takes its socket back on the next turn; only then can another update follow.
    setImmediate(() => {
      if (!this.#open) return;
      const release = this.#releaseHold;
      this.#releaseHold = undefined;
      this.#events.reply(this, {
        status: response.statusCode ?? 0,
        reason: response.statusMessage ?? "",
        retryAfter: response.headers["retry-after"],
        contentType: response.headers["content-type"] ?? "",
        body,
        keepAlive: keepsAlive(response) && !this.#socket.destroyed,
      });
      release?.();
    });
  }

  #live(): void {
    this.#lastLive = this.#clock.now();
  }

  #checkIdle(): void {
    const left = this.#lastLive + IDLE_LIMIT_MS - this.#clock.now();
    if (left > 0) this.#cancelTimer = this.#clock.after(left, () => this.#checkIdle());
    else this.#end(this.update === undefined ? undefined : "Read timeout expired");
  }

  #end(error: string | undefined): void {
    if (!this.#open) return;
    const release = this.#releaseHold;
    this.#releaseHold = undefined;
    this.close();
    this.#events.closed(this, error);
    release?.();
  }

  #release(): void {
    this.#cancelTimer();
    this.#releaseHold?.();
    this.#releaseHold = undefined;
  }
}

/** The webhook closed the connection in good order instead of answering; Telegram notes no error for that. */
function endedQuietly(error: Error): boolean {
  return error.message === "socket hang up";
}

function keepsAlive(response: IncomingMessage): boolean {
  const option = (response.headers.connection ?? "").toLowerCase();
  return response.httpVersion === "1.0" ? option.includes("keep-alive") : !option.includes("close");
}

function decode(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case "":
    case "identity":
      return body;
    case "gzip":
      return gunzipSync(body, { maxOutputLength: LARGEST_ANSWER });
    case "deflate":
      return inflateSync(body, { maxOutputLength: LARGEST_ANSWER });
    default:
      throw new Error("Unsupported Media Type: unsupported content-encoding");
  }
}
