/** Requests as a forger writes them: byte by byte, under any name, from any of this machine's addresses. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** A server that says nothing for so long has failed the test (milliseconds). */
const SILENCE_MS = 60_000;

export interface RawRequest {
  readonly address: string;
  /** @default 443, or 80 without TLS */
  readonly port?: number;
  /** The name to ask for in the handshake (SNI); null asks for none. @default "garden.test" */
  readonly serverName?: string | null;
  /** This machine's address to come from. */
  readonly from?: string;
  readonly tls?: boolean;
  readonly bytes: string;
}

/** What came back until the server closed the connection. */
export interface Exchange {
  /** The status of each answer; none when the server only closed. */
  readonly statuses: readonly number[];
  /** Everything that came, as Latin-1. */
  readonly text: string;
  /** Why the connection ended, if not in good order. */
  readonly error: string | undefined;
}

/**
 * Sends the bytes on a connection of their own and reads until its end; ask for `Connection: close` in good requests.
 * A server that refuses the handshake or resets the connection is an answer too, not an exception.
 *
 * @throws Error when the server neither answers nor closes
 */
export function exchange(request: RawRequest): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let text = "";
    let error: string | undefined;
    const socket = connect(request);
    socket.setEncoding("latin1");
    socket.setTimeout(SILENCE_MS, () => {
      socket.destroy();
      reject(new Error(`the connection is still open after ${SILENCE_MS / 1000} s; so far came: ${text}`));
    });
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", (reason: NodeJS.ErrnoException) => {
      error = reason.code ?? reason.message;
    });
    socket.on("close", () => resolve({ statuses: statusesOf(text), text, error }));
    socket.write(request.bytes, "latin1");
  });
}

function connect(request: RawRequest): Socket {
  const { address: host, serverName = "garden.test", from, tls = true } = request;
  const port = request.port ?? (tls ? 443 : 80);
  const source = from === undefined ? {} : { localAddress: from };
  if (!tls) return connectTcp({ host, port, ...source });
  // The certificate is Telegram's affair, which the stand-in checks.
  const name = serverName === null ? {} : { servername: serverName };
  return connectTls({ host, port, rejectUnauthorized: false, ...name, ...source });
}

function statusesOf(text: string): number[] {
  return [...text.matchAll(/(?:^|\n|\})HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status));
}

/** An update as Telegram posts it; every part can be forged. */
export interface Post {
  readonly path: string;
  /** The secret of the webhook; undefined leaves the header out. */
  readonly secret?: string | undefined;
  readonly method?: string;
  /** @default "garden.test" */
  readonly host?: string;
  /** Lines to add, without their ends. */
  readonly headers?: readonly string[];
  readonly body?: string;
  /** @default "HTTP/1.1" */
  readonly version?: string;
}

/** The bytes of a request that asks to close the connection. */
export function post(parts: Post): string {
  const { path, secret, method = "POST", host = "garden.test", headers = [], version = "HTTP/1.1" } = parts;
  const { body = '{"update_id":1}' } = parts;
  return [
    `${method} ${path} ${version}`,
    `Host: ${host}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(secret === undefined ? [] : [`${SECRET_HEADER}: ${secret}`]),
    ...headers,
    "",
    body,
  ].join("\r\n");
}

export const SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token";
