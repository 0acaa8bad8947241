/** As much of an ACME client as it takes to make orders by the hundred (RFC 8555). */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Agent, request } from "node:https";

/** An answer of the authority. */
export interface AcmeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The JSON object; {} when there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a directory says. */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly renewalInfo: string;
  readonly meta: { readonly profiles: Readonly<Record<string, string>> };
}

/** Talks to the authority; trusts nothing but the given CA. */
export class Requests {
  readonly #agent: Agent;

  constructor(ca: string) {
    this.#agent = new Agent({ ca, keepAlive: true });
  }

  ask(method: string, url: string, body?: string): Promise<AcmeAnswer> {
    const type = body === undefined ? {} : { "content-type": "application/jose+json" };
    const headers = { "user-agent": "test", ...type };
    return new Promise((resolve, reject) => {
      const exchange = request(url, { method, headers, agent: this.#agent }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          const type = response.headers["content-type"] ?? "";
          const parsed = /json/.test(type) && text !== "" ? JSON.parse(text) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed });
        });
      });
      exchange.on("error", (error) => {
        // The connection was kept from before, and its end crossed this request: nobody has read it.
        const isLate = exchange.reusedSocket && "code" in error && error.code === "ECONNRESET";
        if (isLate) this.ask(method, url, body).then(resolve, reject);
        else reject(error);
      });
      exchange.end(body);
    });
  }

  async directory(url: string): Promise<Directory> {
    const { body } = await this.ask("GET", url);
    return body as unknown as Directory;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** An account at an authority. */
export class Account {
  readonly requests: Requests;
  readonly directory: Directory;
  readonly #key: KeyObject;
  readonly #jwk: object;
  #url: string | undefined;
  #nonce: string | undefined;

  constructor(requests: Requests, directory: Directory) {
    this.requests = requests;
    this.directory = directory;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    this.#jwk = publicKey.export({ format: "jwk" });
  }

  /** Makes the account. */
  async register(): Promise<AcmeAnswer> {
    const answer = await this.post(this.directory.newAccount, { termsOfServiceAgreed: true });
    const { location } = answer.headers;
    if (answer.status === 201 && typeof location === "string") this.#url = location;
    return answer;
  }

  /** Asks for an order, again when the nonce is refused, as section 6.5 wants it. */
  async order(names: readonly string[], profile?: string): Promise<AcmeAnswer> {
    const payload = {
      identifiers: names.map((value) => ({ type: "dns", value })),
      ...(profile === undefined ? {} : { profile }),
    };
    for (let tries = 1; ; tries += 1) {
      const answer = await this.post(this.directory.newOrder, payload);
      if (tries === 10 || !isBadNonce(answer)) return answer;
    }
  }

  /** A signed request, without a second try. It takes the nonce of the answer before. */
  async post(url: string, payload: object): Promise<AcmeAnswer> {
    const nonce = this.#nonce ?? (await this.#newNonce());
    const who = this.#url === undefined ? { jwk: this.#jwk } : { kid: this.#url };
    const protectedHeader = encoded({ alg: "ES256", nonce, url, ...who });
    const body = encoded(payload);
    const signature = sign("sha256", Buffer.from(`${protectedHeader}.${body}`), {
      key: this.#key,
      dsaEncoding: "ieee-p1363",
    }).toString("base64url");
    const answer = await this.requests.ask(
      "POST",
      url,
      JSON.stringify({ protected: protectedHeader, payload: body, signature }),
    );
    this.#nonce = nonceOf(answer);
    return answer;
  }

  async #newNonce(): Promise<string | undefined> {
    return nonceOf(await this.requests.ask("HEAD", this.directory.newNonce));
  }
}

/** Whether the authority refused the nonce of a request. */
export function isBadNonce({ body }: AcmeAnswer): boolean {
  return body.type === "urn:ietf:params:acme:error:badNonce";
}

function nonceOf({ headers }: AcmeAnswer): string | undefined {
  const nonce = headers["replay-nonce"];
  return typeof nonce === "string" ? nonce : undefined;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
