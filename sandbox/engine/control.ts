/** The control side of a stand-in that runs as a process of its own: named calls over HTTP, behind a key. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";

/** The header that carries the control key. */
const keyHeader = "x-sandbox-key";

/** Where the control side answers, and what opens it. */
export interface ControlAddress {
  readonly controlUrl: string;
  readonly controlKey: string;
}

/** A key for one run. */
export function newControlKey(): string {
  return randomBytes(24).toString("base64url");
}

/**
 * One call of the control side, with its order as JSON text. It checks what would do harm; the client's types are
 * the contract of the rest.
 */
export type ControlCall = (order: string) => Promise<unknown>;

/**
 * Serves the control calls, as `POST /sandbox/<name>` with a JSON object. Answers `{"result":…}`, or
 * `{"error":"one line"}` with status 400.
 *
 * @param find - gives the call of a name
 */
export function createControlServer(
  key: string,
  find: (name: string) => ControlCall | undefined,
  log: (line: string) => void,
): Server {
  const server = createServer((request, response) => {
    answer(key, find, request).then(
      ([status, body]) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body));
      },
      (error: unknown) => {
        log(`control: ${error instanceof Error ? error.message : String(error)}`);
        response.destroy();
      },
    );
  });
  server.requestTimeout = 0;
  // Clients close what they don't need: a connection that ends from here could take the next call with it.
  server.keepAliveTimeout = 0;
  return server;
}

async function answer(
  key: string,
  find: (name: string) => ControlCall | undefined,
  request: IncomingMessage,
): Promise<[number, Record<string, unknown>]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  if (!isKey(request.headers[keyHeader], key)) {
    return [403, { error: "the control key is wrong; take it from the stand-in's port file" }];
  }
  const [, name = ""] = /^\/sandbox\/(\w+)$/.exec(request.url ?? "") ?? [];
  const call = find(name);
  if (request.method !== "POST" || call === undefined) {
    return [404, { error: `there is no control call ${request.method ?? ""} ${request.url ?? ""}` }];
  }
  try {
    return [200, { result: (await call(Buffer.concat(chunks).toString("utf8") || "{}")) ?? null }];
  } catch (error) {
    return [400, { error: error instanceof Error ? error.message : String(error) }];
  }
}

function isKey(given: string | string[] | undefined, key: string): boolean {
  const wanted = Buffer.from(key);
  const got = Buffer.from(typeof given === "string" ? given : "");
  return got.length === wanted.length && timingSafeEqual(got, wanted);
}

/**
 * Makes a call and gives its result.
 *
 * @param who - the stand-in's name in messages
 * @throws Error with the call's own line, or that nobody answers
 */
export async function callControl<T>(
  { controlUrl, controlKey }: ControlAddress,
  name: string,
  order: object,
  who: string,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${controlUrl}/sandbox/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", [keyHeader]: controlKey },
      body: JSON.stringify(order),
    });
  } catch {
    throw new Error(`${who} doesn't answer at ${controlUrl}; start the sandbox again`);
  }
  const told: { result: T; error?: string } = JSON.parse(await response.text());
  if (told.error !== undefined) throw new Error(told.error);
  return told.result;
}
