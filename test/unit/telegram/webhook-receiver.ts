import { randomInt } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Certificate } from "./certificates.ts";

/** A delivery as the webhook saw it. */
export interface Delivery {
  path: string;
  headers: IncomingMessage["headers"];
  rawHeaders: string[];
  updateId: number;
  /** Text and chat of the message, if it is one. */
  text: string;
  chat: number;
  /** The connection that it came on, numbered from 0. */
  connection: number;
  /** The SNI name, false without. */
  servername: string | false;
}

/** What a webhook answers to its n-th delivery (from 0). */
export type Answer = (delivery: Delivery, n: number, response: ServerResponse) => void;

/** A real HTTPS server that records what Telegram delivers. */
export interface Receiver {
  address: string;
  port: number;
  deliveries: Delivery[];
  /** TLS connections that were opened, with failed handshakes. */
  tlsErrors: string[];
  connections(): number;
  /** Resolves when that many deliveries have come in all. */
  received(count: number): Promise<Delivery[]>;
  answer: Answer;
  close(): Promise<void>;
}

/** Answers 200 with nothing. */
export const ok: Answer = (_, __, response) => void response.end();

/** Answers a status, with headers. */
export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (_, __, response) => void response.writeHead(code, headers).end();
}

/** An own loopback address, so that tests can all use Telegram's few ports. */
export function ownAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
}

/** Starts a webhook. */
export async function startReceiver(
  certificate: Certificate,
  answer: Answer = ok,
  { address = ownAddress(), port = 8443, ...tls }: { address?: string; port?: number } & ServerOptions = {},
): Promise<Receiver> {
  const sockets = new Map<object, number>();
  const waiting: { count: number; resolve: (deliveries: Delivery[]) => void }[] = [];
  const deliveries: Delivery[] = [];
  const tlsErrors: string[] = [];
  const server = createServer(
    { cert: certificate.cert, key: certificate.key, ...tls },
    (request, response) => {
      void readDelivery(request, sockets.get(request.socket) ?? -1).then((delivery) => {
        deliveries.push(delivery);
        receiver.answer(delivery, deliveries.length - 1, response);
        for (const entry of waiting) if (deliveries.length >= entry.count) entry.resolve(deliveries);
      });
    },
  );
  server.keepAliveTimeout = 0;
  server.on("secureConnection", (socket) => sockets.set(socket, sockets.size));
  server.on("tlsClientError", (error) => tlsErrors.push(error.message));
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  const receiver: Receiver = {
    address,
    port,
    deliveries,
    tlsErrors,
    answer,
    connections: () => sockets.size,
    received: (count) =>
      new Promise((resolve) => {
        if (deliveries.length >= count) resolve(deliveries);
        else waiting.push({ count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

async function readDelivery(request: IncomingMessage, connection: number): Promise<Delivery> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const update: { update_id: number; message?: { text: string; chat: { id: number } } } = JSON.parse(
    Buffer.concat(chunks).toString(),
  );
  const socket = request.socket as TLSSocket & { servername?: string | false };
  return {
    path: request.url ?? "",
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    updateId: update.update_id,
    text: update.message?.text ?? "",
    chat: update.message?.chat.id ?? 0,
    connection,
    servername: socket.servername ?? false,
  };
}
