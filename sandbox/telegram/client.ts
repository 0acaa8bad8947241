import { readFileSync } from "node:fs";
import { type ControlAddress, callControl } from "../engine/control.ts";
import type { BotInfo, BotStats, ChatMessage, ChatRef, Injection, TelegramControl } from "./control-api.ts";
import type { FloodOrder, FloodReport } from "./flood.ts";
import type { NumberedOrder, NumberedReport, NumberedWindow } from "./numbered-api.ts";
import type { Person } from "./people.ts";
import type { UpdateRecord } from "./stats.ts";

/** A single request waits at most this long (milliseconds); longer waits are made of several. */
const LONGEST_REQUEST_MS = 25_000;

/** What the stand-in writes into its port file when it listens. */
export interface PortFile extends ControlAddress {
  pid: number;
  /** The Bot API's root, as bots are given it. */
  apiUrl: string;
}

/** Reads a port file. @throws Error when there is none: the stand-in doesn't run */
export function readPortFile(file: string): PortFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new Error(`the Telegram stand-in doesn't run: there is no port file ${file}; start the sandbox`);
  }
  const ports: PortFile = JSON.parse(text);
  return ports;
}

/** Controls a stand-in that runs in another process. */
export class TelegramClient implements TelegramControl {
  readonly apiUrl: string;
  readonly #address: ControlAddress;

  constructor({ apiUrl, controlUrl, controlKey }: Omit<PortFile, "pid">) {
    this.apiUrl = apiUrl;
    this.#address = { controlUrl, controlKey };
  }

  /** The client of the stand-in that wrote this port file. */
  static fromPortFile(file: string): TelegramClient {
    return new TelegramClient(readPortFile(file));
  }

  addBot(order: { name: string; token?: string }): Promise<string> {
    return this.#call("addBot", order);
  }

  renewToken(order: { bot: string }): Promise<string> {
    return this.#call("renewToken", order);
  }

  bots(): Promise<BotInfo[]> {
    return this.#call("bots", {});
  }

  send(order: ChatRef & { from?: Person; text: string }): Promise<number> {
    return this.#call("send", order);
  }

  inject(order: Injection): Promise<number | null> {
    return this.#call("inject", order);
  }

  async waitForReply(order: ChatRef & { afterUpdateId: number; timeoutMs?: number }): Promise<ChatMessage[]> {
    const { timeoutMs = 30_000 } = order;
    const end = Date.now() + timeoutMs;
    for (;;) {
      const left = Math.max(0, end - Date.now());
      try {
        return await this.#call("waitForReply", { ...order, timeoutMs: Math.min(left, LONGEST_REQUEST_MS) });
      } catch (error) {
        if (left <= LONGEST_REQUEST_MS || !(error instanceof Error) || !isTimeout(error)) throw error;
      }
    }
  }

  messages(order: ChatRef): Promise<ChatMessage[]> {
    return this.#call("messages", order);
  }

  stats(order: { bot: string }): Promise<BotStats> {
    return this.#call("stats", order);
  }

  updates(order: { bot: string; fromId?: number }): Promise<UpdateRecord[]> {
    return this.#call("updates", order);
  }

  flood(order: FloodOrder & { bot: string }): Promise<number> {
    return this.#call("flood", order);
  }

  async floodReport({ id, waitMs = 0 }: { id: number; waitMs?: number }): Promise<FloodReport> {
    const end = Date.now() + waitMs;
    for (;;) {
      const left = Math.max(0, end - Date.now());
      const wait = Math.min(left, LONGEST_REQUEST_MS);
      const report = await this.#call<FloodReport>("floodReport", { id, waitMs: wait });
      if (report.done || left <= wait) return report;
    }
  }

  numbered(order: NumberedOrder): Promise<number> {
    return this.#call("numbered", order);
  }

  numberedStop(order: { id: number }): Promise<void> {
    return this.#call("numberedStop", order);
  }

  async numberedReport(order: {
    id: number;
    waitMs?: number;
    windows?: readonly NumberedWindow[];
  }): Promise<NumberedReport> {
    const end = Date.now() + (order.waitMs ?? 0);
    for (;;) {
      const left = Math.max(0, end - Date.now());
      const waitMs = Math.min(left, LONGEST_REQUEST_MS);
      const report = await this.#call<NumberedReport>("numberedReport", { ...order, waitMs });
      if (report.done || left <= waitMs) return report;
    }
  }

  setHosts(order: { hosts: Record<string, string> }): Promise<void> {
    return this.#call("setHosts", order);
  }

  setExtraCa(order: { file?: string }): Promise<void> {
    return this.#call("setExtraCa", order);
  }

  advance(order: { seconds: number }): Promise<void> {
    return this.#call("advance", order);
  }

  reset(order: { countsOf?: string } = {}): Promise<void> {
    return this.#call("reset", order);
  }

  #call<T>(name: keyof TelegramControl, order: object): Promise<T> {
    return callControl(this.#address, name, order, "the Telegram stand-in");
  }
}

function isTimeout(error: Error): boolean {
  return error.message.startsWith("no answer of the bot");
}
