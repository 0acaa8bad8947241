/** Requests to Pebble, over HTTPS that is verified. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import type { Answer } from "./answers.ts";

/** Pebble's ACME and management side, as https URLs. */
export interface PebbleUrls {
  readonly acme: string;
  readonly management: string;
}

/** Milliseconds that Pebble may take to answer after its start. */
const startLimit = 50_000;

/** Headers that belong to one connection only. */
const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);

/** Pebble as the front meets it. */
export class PebbleConnection {
  readonly #urls: PebbleUrls;
  readonly #agent: Agent;

  /** @param authority - PEM of the CA of Pebble's own certificate */
  constructor(urls: PebbleUrls, authority: string) {
    this.#urls = urls;
    this.#agent = new Agent({ keepAlive: true, ca: authority });
  }

  /** Waits until Pebble answers. @throws Error when it does not for 50 s */
  async ready(): Promise<void> {
    const end = Date.now() + startLimit;
    for (;;) {
      try {
        await this.issuingRoot();
        return;
      } catch (error) {
        if (Date.now() > end) throw new Error(`Pebble does not answer: ${String(error)}`, { cause: error });
        await delay(20);
      }
    }
  }

  /** The root of all that it issues, as PEM. */
  async issuingRoot(): Promise<string> {
    const { body } = await this.#ask(`${this.#urls.management}/roots/0`, "GET", {});
    return body.toString("utf8");
  }

  /** A header with a nonce that a client may use next. */
  async freshNonce(): Promise<Record<string, string>> {
    // Pebble answers nobody without a name (RFC 8555, section 6.1).
    const { headers } = await this.#ask(`${this.#urls.acme}/nonce-plz`, "HEAD", { "user-agent": "sandbox" });
    const nonce = headers["replay-nonce"];
    return typeof nonce === "string" ? { "replay-nonce": nonce } : {};
  }

  /** Passes a client's request on. Pebble makes the addresses in its answers from Host, and checks the signed one. */
  pass({ method = "GET", url = "/", headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    const kept = Object.entries(headers).filter(([name]) => !hopByHop.has(name));
    return this.#ask(`${this.#urls.acme}${url}`, method, Object.fromEntries(kept), body);
  }

  /** Ends the connections. */
  close(): void {
    this.#agent.destroy();
  }

  #ask(url: string, method: string, headers: IncomingHttpHeaders, body?: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({
            status: response.statusCode ?? 502,
            headers: lasting(response.headers),
            body: Buffer.concat(chunks),
          });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}

function lasting(headers: IncomingHttpHeaders): Answer["headers"] {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || hopByHop.has(name) ? [] : [[name, value] as const],
  );
  return Object.fromEntries(kept);
}
