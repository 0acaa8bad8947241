/** Posts updates to one bot on many connections at once, whatever comes back. */
import { Agent, request } from "node:https";
import { SECRET_HEADER } from "./raw-request.ts";

export interface HammerOrder {
  readonly address: string;
  readonly path: string;
  readonly secret: string;
  readonly connections: number;
  /** @default a small update */
  readonly body?: string;
}

/** What came back: how often which status, or `hung up`. Requests without an answer are not in it. */
export type Outcomes = Record<string, number>;

export interface Hammer {
  /** What came back until now. */
  readonly outcomes: Outcomes;
  /** Gives up what is under way. */
  stop(): void;
  /** The Retry-After of the last answer that had one. */
  retryAfter(): string | undefined;
}

/** How long a connection rests after an answer: 40 of them stay below a bot's default limit of 300 a second. */
const REST_MS = 200;

/** Starts posting; each connection waits for its answer before it posts again. */
export function hammer({
  address,
  path,
  secret,
  connections,
  body = '{"update_id":1}',
}: HammerOrder): Hammer {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const outcomes: Outcomes = {};
  let stopped = false;
  let retryAfter: string | undefined;

  const again = () => {
    if (!stopped) setTimeout(once, REST_MS);
  };
  const count = (outcome: string) => {
    if (!stopped) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  const once = () => {
    if (stopped) return;
    const headers = {
      Host: "garden.test",
      "Content-Type": "application/json",
      "Content-Length": String(Buffer.byteLength(body)),
      [SECRET_HEADER]: secret,
    };
    const options = { agent, host: address, path, method: "POST", headers, servername: "garden.test" };
    const call = request({ ...options, rejectUnauthorized: false }, (response) => {
      count(String(response.statusCode));
      retryAfter = response.headers["retry-after"] ?? retryAfter;
      response.resume();
      response.on("close", again);
    });
    call.on("error", () => {
      count("hung up");
      again();
    });
    call.end(body);
  };
  for (let index = 0; index < connections; index += 1) once();
  return {
    outcomes,
    stop() {
      stopped = true;
      agent.destroy();
    },
    retryAfter: () => retryAfter,
  };
}
