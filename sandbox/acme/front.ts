/** What clients of the authority meet: an HTTPS server that passes on to Pebble, unless it plays an outage. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type Answer, objectIn, problem, withBody, withPlainProfiles } from "./answers.ts";
import type { AcmeControl, CertificateSeen, Counts, Mode, OrderSeen, Roots } from "./control-api.ts";
import { Observer, orderIn, type Purpose, purposeOf } from "./observer.ts";
import { PebbleConnection, type PebbleUrls } from "./pebble-connection.ts";
import { type Profile, plainProfile } from "./profiles.ts";
import { adviceFor, adviceToRenewNow, serialIn } from "./renewal-info.ts";

/** How the front runs. */
export interface FrontOptions {
  /** Where clients find it; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** PEM: its certificate, the key, and the authority of both its own certificate and Pebble's. */
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly pebble: PebbleUrls;
  /** What an order gets that names no profile. */
  readonly whenNoneIsAsked: Profile;
  /** Takes a line per request. */
  readonly log: (line: string) => void;
}

/** Seconds in Retry-After of a busy authority, unless told otherwise. */
const usualRetryAfter = 3600;

/** The server; it listens after `listen`. */
export class Front implements AcmeControl {
  readonly #options: FrontOptions;
  readonly #server: Server;
  readonly #pebble: PebbleConnection;
  readonly #observer = new Observer();
  #mode: Mode = "pass";
  #retryAfter = usualRetryAfter;
  #port: number;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#pebble = new PebbleConnection(options.pebble, options.authority);
    this.#server = createServer({ cert: options.certificate, key: options.key }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        options.log(`${request.method ?? ""} ${request.url ?? ""}: ${reason}`);
        response.destroy();
      });
    });
    // Clients keep connections between their steps, which may be a minute apart.
    this.#server.keepAliveTimeout = 120_000;
  }

  /** Begins to listen, as soon as Pebble answers. @throws Error when it does not, or the port is taken */
  async listen(): Promise<void> {
    await this.#pebble.ready();
    await this.#open();
  }

  /** Refuses connections from now on and ends those that there are. */
  async close(): Promise<void> {
    await this.#shut();
    this.#pebble.close();
  }

  /** Where clients begin. */
  get directoryUrl(): string {
    return `https://${this.#options.host}:${this.#port}/dir`;
  }

  async setMode({ mode, retryAfter = usualRetryAfter }: { mode: Mode; retryAfter?: number }): Promise<void> {
    if (mode !== "pass" && mode !== "down" && mode !== "busy") {
      throw new Error(`a mode is "pass", "down" or "busy", not "${String(mode)}"`);
    }
    this.#mode = mode;
    this.#retryAfter = retryAfter;
    this.#options.log(`mode ${mode}`);
    if (mode === "down") await this.#shut();
    else if (!this.#server.listening) await this.#open();
  }

  async counts(): Promise<Counts> {
    return this.#observer.counts();
  }

  async orders(): Promise<OrderSeen[]> {
    return this.#observer.orders();
  }

  async certificates(): Promise<CertificateSeen[]> {
    return this.#observer.certificates();
  }

  async roots(): Promise<Roots> {
    const issuers = await this.#pebble.issuingRoot();
    const { authority: server } = this.#options;
    return { issuers, server, authority: `${server.trimEnd()}\n${issuers.trimEnd()}\n` };
  }

  async renewAll(): Promise<void> {
    this.#observer.makeAllDue();
  }

  async reset(): Promise<void> {
    this.#observer.reset();
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, this.#options.host, () => {
        this.#server.off("error", reject);
        // The same port after an outage.
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #shut(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const { status, headers, body } = await this.#answer(request, Buffer.concat(chunks));
    response.writeHead(status, { ...headers, "content-length": String(body.length) });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { method = "GET", url: path = "/" } = request;
    const purpose = purposeOf(path);
    const limited = purpose === "newOrder" || purpose === "newAccount";
    const answer =
      this.#mode === "busy" && limited ? await this.#refusal() : await this.#pass(request, body, purpose);
    // The order got a profile by chance: the client asks again, and nobody counts this try.
    if (answer === undefined) {
      return problem({ status: 400, type: "badNonce", detail: "ask again" }, await this.#pebble.freshNonce());
    }
    this.#observer.see({ path, request: body, answer });
    this.#options.log(`${method} ${path} ${answer.status}`);
    return answer;
  }

  /** A limit that is used up, in the words of Boulder's ratelimits. */
  async #refusal(): Promise<Answer> {
    const until = new Date(Date.now() + this.#retryAfter * 1000).toISOString();
    const detail = `too many new orders recently, retry after ${until}: see https://letsencrypt.org/docs/rate-limits/`;
    const nonce = await this.#pebble.freshNonce();
    const headers = { ...nonce, "retry-after": String(this.#retryAfter) };
    return problem({ status: 429, type: "rateLimited", detail }, headers);
  }

  /** Pebble's answer as clients shall see it; undefined when it took a profile that nobody asked for. */
  async #pass(request: IncomingMessage, body: Buffer, purpose: Purpose): Promise<Answer | undefined> {
    const answer = await this.#pebble.pass(request, body);
    if (purpose === "newOrder" && answer.status === 201 && !this.#isWanted(body, answer)) return undefined;
    if (purpose === "renewalInfo" && answer.status === 200) return this.#advice(request.url ?? "", answer);
    return withPlainProfiles(answer);
  }

  #isWanted(request: Buffer, answer: Answer): boolean {
    const asked = orderIn(request)?.profile ?? "";
    const given = objectIn(answer)?.profile;
    if (asked !== "") return true;
    return typeof given === "string" && plainProfile(given) === this.#options.whenNoneIsAsked;
  }

  #advice(path: string, answer: Answer): Answer {
    const serial = serialIn(path);
    const known = serial === undefined ? undefined : this.#observer.known(serial);
    if (known === undefined) return answer;
    const { certificate, due } = known;
    const { suggestedWindow, retryAfter } = due ? adviceToRenewNow(Date.now()) : adviceFor(certificate);
    return withBody(answer, { suggestedWindow }, { "retry-after": String(retryAfter) });
  }
}
