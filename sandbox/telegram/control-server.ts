import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { TelegramControl } from "./control-api.ts";

/** The header that carries the control key. */
export const CONTROL_KEY_HEADER = "x-sandbox-key";

/** The calls that the control side offers, as `POST /sandbox/<name>` with a JSON object. */
const CALLS = [
  "addBot",
  "bots",
  "send",
  "inject",
  "waitForReply",
  "messages",
  "stats",
  "updates",
  "flood",
  "floodReport",
  "setHosts",
  "setExtraCa",
  "advance",
  "reset",
] as const satisfies readonly (keyof TelegramControl)[];

/** A key for one run. */
export function newControlKey(): string {
  return randomBytes(24).toString("base64url");
}

/** Serves the control calls. Answers `{"result":…}`, or `{"error":"one line"}` with status 400. */
export function createControlServer(
  key: string,
  controls: () => TelegramControl | undefined,
  log: (line: string) => void,
): Server {
  const server = createServer((request, response) => {
    answer(key, controls(), request).then(
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
  return server;
}

async function answer(
  key: string,
  controls: TelegramControl | undefined,
  request: IncomingMessage,
): Promise<[number, Record<string, unknown>]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  if (!isKey(request.headers[CONTROL_KEY_HEADER], key)) {
    return [403, { error: "the control key is wrong; take it from the stand-in's port file" }];
  }
  const name = CALLS.find((call) => request.url === `/sandbox/${call}`);
  if (request.method !== "POST" || name === undefined || controls === undefined) {
    return [404, { error: `there is no control call ${request.method ?? ""} ${request.url ?? ""}` }];
  }
  try {
    // The client's types are the contract of both sides; the calls check what would do harm.
    const order = JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
    return [200, { result: (await controls[name](order)) ?? null }];
  } catch (error) {
    return [400, { error: error instanceof Error ? error.message : String(error) }];
  }
}

function isKey(given: string | string[] | undefined, key: string): boolean {
  const wanted = Buffer.from(key);
  const got = Buffer.from(typeof given === "string" ? given : "");
  return got.length === wanted.length && timingSafeEqual(got, wanted);
}
