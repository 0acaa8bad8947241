import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Bots } from "./bots.ts";
import type { SenderTools } from "./delivery/sender.ts";
import { ApiError, badRequest } from "./errors.ts";
import { Described } from "./methods/call.ts";
import { findMethod } from "./methods/table.ts";
import { type Params, parseParams } from "./params.ts";

/** The most that a request may carry, in bytes (Telegram takes uploads of 50 MB). */
const LARGEST_REQUEST = 50 * 1024 * 1024;

/** The Bot API over HTTP: `/bot<token>/<method>`. */
export function createApiServer(bots: Bots, tools: SenderTools): Server {
  const server = createServer((request, response) => {
    answer(bots, tools, request).then(
      (body) => send(response, 200, body),
      (error: unknown) => sendError(response, error, tools.log),
    );
  });
  // getUpdates may wait 50 seconds, and longer where a test's clock stands still.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  return server;
}

/** Calls a method for a bot, as an HTTP request or a webhook's answer asks for it. */
export async function callMethod(
  bots: Bots,
  token: string,
  name: string,
  params: Params,
  tools: SenderTools,
): Promise<unknown> {
  const bot = bots.byToken(token);
  if (bot === undefined) {
    const wellFormed = /^[1-9]\d{0,16}:[^/]{1,60}$/.test(token);
    throw new ApiError(401, wellFormed ? "Unauthorized" : "Unauthorized: invalid token specified");
  }
  const method = findMethod(name);
  if (method === undefined) throw new ApiError(404, "Not Found");
  bot.stats.called(method.name);
  return method.run({ bot, params, tools });
}

async function answer(bots: Bots, tools: SenderTools, request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request);
  const [path = "", query = ""] = (request.url ?? "/").split(/\?(.*)/s);
  const found = /^\/bot([^/]+)\/([^/]+)\/?$/.exec(decodePath(path));
  if (found === null) throw new ApiError(404, "Not Found");
  const [, token = "", method = ""] = found;
  let params: Params;
  try {
    params = parseParams(query, request.headers["content-type"] ?? "", body);
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : "can't read the parameters");
  }
  return callMethod(bots, token, method, params, tools);
}

/** "%3A" may stand for the colon of a token; what can't be decoded stays as it is. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > LARGEST_REQUEST) throw new ApiError(413, "Request Entity Too Large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body =
    value instanceof Described
      ? { ok: true, result: value.result, description: value.description }
      : { ok: true, result: value };
  sendJson(response, status, body);
}

function sendError(response: ServerResponse, error: unknown, log: (line: string) => void): void {
  if (!(error instanceof ApiError)) {
    log(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    sendJson(response, 500, { ok: false, error_code: 500, description: "Internal Server Error" });
    return;
  }
  // A poller that has ended hears no more, and did no harm.
  if (!response.destroyed) error.heard?.();
  const { code, message, retryAfter } = error;
  if (retryAfter !== undefined) response.setHeader("Retry-After", String(retryAfter));
  sendJson(response, code, {
    ok: false,
    error_code: code,
    description: message,
    ...(retryAfter === undefined ? {} : { parameters: { retry_after: retryAfter } }),
  });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length });
  response.end(body);
}
