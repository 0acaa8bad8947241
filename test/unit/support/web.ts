/** Both ends of an HTTP exchange, and Docker's name server between containers. */
import { createSocket, type Socket } from "node:dgram";
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { listenAnywhere } from "./ports.ts";

/** A request as it arrived. */
export interface Arrived {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/**
 * A bot that remembers everything and answers it with 200.
 *
 * @param respond answers in another way; the request is read by then
 */
export async function startBot(
  respond: (request: Arrived, response: ServerResponse) => void = (_, response) => response.end("taken"),
): Promise<{ server: Server; port: number; arrived: Arrived[] }> {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const one = { method: request.method, url: request.url, headers: request.headers, body };
      arrived.push(one);
      respond(one, response);
    });
  });
  return { server, port: await listenAnywhere(server), arrived };
}

/** A name server to which every name is 127.0.0.1, but for those that hold `unknown`. */
export async function startNames(unknown: string): Promise<{ server: Socket; port: number }> {
  const server = createSocket("udp4");
  server.on("message", (query, from) => {
    const known = !query.includes(unknown);
    // RFC 1035, section 4.1.3: the question's name, A, IN, 60 s, four bytes.
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    const reply = Buffer.concat([query, known ? answer : Buffer.alloc(0)]);
    reply.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    reply.writeUInt16BE(known ? 1 : 0, 6);
    server.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
  return { server, port: server.address().port };
}

export interface Question {
  readonly port: number;
  readonly path: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** HTTP instead of HTTPS. */
  readonly plain?: boolean;
  /** Where the server is. @default "127.0.0.1" */
  readonly address?: string;
  /** The address to come from, one of 127.0.0.0/8. */
  readonly from?: string;
  /** The name that TLS asks for; empty for none. @default the header Host */
  readonly servername?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks a server on this machine, whatever its certificate, over a connection of its own. */
export function ask(question: Question): Promise<Answer> {
  const { port, path, method, headers = {}, body = "", plain = false } = question;
  const { address = "127.0.0.1", from, servername } = question;
  const length = method === "POST" ? { "content-length": String(Buffer.byteLength(body)) } : {};
  const options = {
    host: address,
    port,
    path,
    method,
    headers: { host: "bots.example.com", ...length, ...headers },
    rejectUnauthorized: false,
    agent: false,
    ...(from === undefined ? {} : { localAddress: from }),
    ...(servername === undefined ? {} : { servername }),
  };
  return new Promise((resolve, reject) => {
    const request = (plain ? httpRequest : httpsRequest)(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}
