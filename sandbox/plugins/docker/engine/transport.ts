/**
 * HTTP requests to a Docker engine over a pool of kept connections, as docker's own client keeps them: at most two
 * idle ones, each for 30 seconds (docker/docker v28.5.2, client/client.go `defaultHTTPClient`).
 */
import http from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import type { EngineAddress } from "./address.ts";
import { SshConnection } from "./ssh-connection.ts";

const IDLE_CONNECTIONS = 2;

/** A request. `path` starts with a slash and has its query in it. */
export interface Request {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as it is. A stream is sent in chunks. */
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
}

/** The engine could not be reached at all, as opposed to an answer that says no. */
export class ConnectionFailed extends Error {}

/** The way to one engine. */
export class Transport {
  readonly #address: EngineAddress;
  readonly #agent: http.Agent;

  constructor(address: EngineAddress) {
    this.#address = address;
    this.#agent = new http.Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS });
    // The agent's own createConnection opens TCP; this is the documented place to put another kind.
    this.#agent.createConnection = () => this.#connect();
  }

  #connect(): Duplex {
    return this.#address.kind === "unix"
      ? net.createConnection({ path: this.#address.path })
      : new SshConnection(this.#address.args);
  }

  /**
   * Sends a request and gives the response as soon as its head is there.
   *
   * @throws ConnectionFailed when there is no engine to talk to
   */
  send(request: Request): Promise<http.IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const message = this.#open(request);
    message.once("response", resolve);
    // Stays for the whole exchange: an error after the response has come is seen by whoever reads the response.
    message.on("error", (error) => reject(this.#failure(request, error)));
    writeBody(message, request.body).catch((error: Error) => message.destroy(error));
    return promise;
  }

  /**
   * Turns a connection over to another protocol, as docker's `/session` does.
   *
   * @throws ConnectionFailed when there is no engine to talk to; Error when it refuses
   */
  upgrade(request: Request): Promise<Duplex> {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const message = this.#open(request);
    message.once("upgrade", (_response, socket: Duplex, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    message.once("response", (response) => {
      response.resume();
      reject(
        new Error(
          `unable to upgrade to ${String(request.headers?.Upgrade)}, received ${response.statusCode ?? 0}`,
        ),
      );
    });
    message.on("error", (error) => reject(this.#failure(request, error)));
    message.end();
    return promise;
  }

  #open(request: Request): http.ClientRequest {
    return http.request({
      agent: this.#agent,
      method: request.method,
      path: request.path,
      headers: { Host: this.#hostName(), "User-Agent": "botgarden-sandbox", ...request.headers },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
  }

  #hostName(): string {
    return this.#address.kind === "unix" ? "api.moby.localhost" : "docker.example.com";
  }

  /** Words a failed connection as docker's client does (client/request.go `doRequest`). */
  #failure(request: Request, error: Error): Error {
    if (error.name === "AbortError") return error;
    if (this.#address.kind === "unix") {
      const host = `unix://${this.#address.path}`;
      return "code" in error && error.code === "EACCES"
        ? new ConnectionFailed(
            `permission denied while trying to connect to the Docker daemon socket at ${host}`,
          )
        : new ConnectionFailed(
            `Cannot connect to the Docker daemon at ${host}. Is the docker daemon running? (${error.message})`,
          );
    }
    const verb = `${request.method.slice(0, 1)}${request.method.slice(1).toLowerCase()}`;
    return new ConnectionFailed(
      `error during connect: ${verb} "http://docker.example.com${request.path}": ${error.message}`,
    );
  }

  /** Closes kept connections. Running requests are not touched. */
  close(): void {
    this.#agent.destroy();
  }
}

async function writeBody(message: http.ClientRequest, body: Request["body"]): Promise<void> {
  if (body === undefined || Buffer.isBuffer(body)) {
    message.end(body);
    return;
  }
  for await (const chunk of body) {
    if (message.destroyed) return;
    if (!message.write(chunk)) await writable(message);
  }
  message.end();
}

/** The engine may answer, and close, before it has read everything: then there is nothing left to wait for. */
async function writable(message: http.ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  message.once("drain", resolve).once("close", resolve);
  await promise;
  message.off("drain", resolve).off("close", resolve);
}
