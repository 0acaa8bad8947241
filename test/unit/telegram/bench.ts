import { afterEach } from "vitest";
import { Clock } from "../../../sandbox/telegram/clock.ts";
import { startTelegram, type Telegram, type TelegramOptions } from "../../../sandbox/telegram/telegram.ts";
import { type Certificate, makeCertificate } from "./certificates.ts";
import { type Answer, type Receiver, startReceiver } from "./webhook-receiver.ts";

/** An answer of the Bot API. */
export interface ApiAnswer {
  status: number;
  retryAfter: string | null;
  body: {
    ok: boolean;
    result?: unknown;
    error_code?: number;
    description?: string;
    parameters?: { retry_after?: number };
  };
}

/** One bot with a stand-in of its own. */
export interface Bench {
  telegram: Telegram;
  clock: Clock;
  token: string;
  /** Calls a method with a JSON body. */
  call(method: string, params?: Record<string, unknown>): Promise<ApiAnswer>;
  /** setWebhook; a second of the clock passes first, so that its rate limit is out of the way. */
  setWebhook(params: Record<string, unknown> | FormData): Promise<ApiAnswer>;
  info(): Promise<Record<string, unknown>>;
  say(text: string, chat?: number): Promise<number>;
  /** Waits (in real time) until a condition holds. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs at the end of the current test. */
export function atEnd(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup);
}

let authority: Certificate | undefined;

/** The sandbox's authority for the tests of one file. */
export function testAuthority(): Certificate {
  authority ??= makeCertificate({ cn: "Test authority", ca: true });
  return authority;
}

/** How a bench differs from the usual. */
export interface BenchOptions extends TelegramOptions {
  frozen?: boolean;
  /** The test's webhook leaves requests without an answer: then `advance` need not wait long for them. */
  hangs?: boolean;
}

/** Starts a stand-in with one bot, on a clock that only `advance` moves unless told otherwise. */
export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const { frozen = true, hangs = false, ...rest } = options;
  const clock = new Clock({ frozen, settleLimitMs: hangs ? 100 : 20_000 });
  const telegram = await startTelegram({ clock, extraCa: testAuthority().file, random: () => 0.5, ...rest });
  atEnd(() => telegram.close());
  const token = await telegram.addBot({ name: "rose" });
  const post = (method: string, init: RequestInit): Promise<ApiAnswer> =>
    readAnswer(fetch(`${telegram.apiUrl}/bot${token}/${method}`, { method: "POST", ...init }));
  const call = (method: string, params: Record<string, unknown> = {}): Promise<ApiAnswer> =>
    post(method, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(params) });
  return {
    telegram,
    clock,
    token,
    call,
    setWebhook: async (params) => {
      await clock.advance(1);
      return params instanceof FormData ? post("setWebhook", { body: params }) : call("setWebhook", params);
    },
    info: async () => ({ ...((await call("getWebhookInfo")).body.result as object) }),
    say: (text, chat) => telegram.send({ bot: "rose", text, ...(chat === undefined ? {} : { chat }) }),
    until,
  };
}

/** A webhook for `garden.test` with a certificate of the test authority, ended with the test. */
export async function startWebhook(
  answer?: Answer,
): Promise<Receiver & { url: string; hosts: Record<string, string> }> {
  gardenCertificate ??= makeCertificate({
    cn: "garden.test",
    san: "DNS:garden.test",
    issuer: testAuthority(),
  });
  const receiver = await startReceiver(gardenCertificate, answer);
  atEnd(() => receiver.close());
  return Object.assign(receiver, {
    url: "https://garden.test:8443/webhook/rose",
    hosts: { "garden.test": receiver.address },
  });
}
let gardenCertificate: Certificate | undefined;

/** Reads an answer of the Bot API. */
export async function readAnswer(request: Promise<Response>): Promise<ApiAnswer> {
  const response = await request;
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    body: (await response.json()) as ApiAnswer["body"],
  };
}

/** A form with an uploaded certificate. */
export function certificateForm(fields: Record<string, string>, certificate: string): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("certificate", new Blob([certificate]), "certificate.pem");
  return form;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited 60 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
