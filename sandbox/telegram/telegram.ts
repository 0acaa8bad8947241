import type { Server } from "node:http";
import { newControlKey } from "../engine/control.ts";
import { callMethod, createApiServer } from "./api-server.ts";
import { type Bot, Bots } from "./bots.ts";
import { Clock } from "./clock.ts";
import { createControlServer } from "./control-server.ts";
import { Controls } from "./controls.ts";
import { type Lookup, Resolver } from "./delivery/address.ts";
import { type SenderTools, WebhookSender } from "./delivery/sender.ts";
import { Trust } from "./delivery/tls.ts";
import { loadState, restoreBots, Saver, saveState } from "./state.ts";

/** How the stand-in runs. */
export interface TelegramOptions {
  /** The address that the Bot API listens on. @default "127.0.0.1" */
  apiHost?: string;
  /** Its port; 0 takes a free one. @default 0 */
  apiPort?: number;
  /** The port of the control side, on 127.0.0.1 only; 0 takes a free one. @default 0 */
  controlPort?: number;
  /** A PEM file with an authority that is trusted besides the system's. */
  extraCa?: string;
  /** Addresses by host name; other names are resolved as the machine does. */
  hosts?: Record<string, string>;
  /** Finds names that are not in `hosts`. @default the machine's resolver */
  lookup?: Lookup;
  /** Bots that are there from the start. */
  bots?: readonly { name: string; token?: string }[];
  /** @default the real time */
  clock?: Clock;
  /** A file that keeps bots, webhooks, pending updates and chats over a restart. @default - nothing is kept */
  stateFile?: string;
  /** Takes one line per event; never a token or a secret. @default - nothing is written */
  log?: (line: string) => void;
  /** A number from 0 up to 1, for delays that Telegram draws. @default Math.random */
  random?: () => number;
}

/** The running stand-in. */
export class Telegram extends Controls {
  /** The API root: `<apiUrl>/bot<token>/<method>`. */
  readonly apiUrl: string;
  /** Where `TelegramClient` connects. */
  readonly controlUrl: string;
  /** What `TelegramClient` must know; without it the control side answers nobody. */
  readonly controlKey: string;
  #servers: Server[];
  #saver: Saver | undefined;

  constructor(parts: RunningParts) {
    super(parts.bots, parts.tools);
    this.apiUrl = parts.apiUrl;
    this.controlUrl = parts.controlUrl;
    this.controlKey = parts.controlKey;
    this.#servers = parts.servers;
    this.#saver = parts.saver;
  }

  /** The clock that everything runs on. */
  get clock(): Clock {
    return this.tools.clock;
  }

  /** Ends all connections and servers and saves the state. */
  async close(): Promise<void> {
    this.stopAll();
    this.#saver?.flush();
    this.clock.close();
    await Promise.all(this.#servers.map(closeServer));
  }
}

interface RunningParts {
  bots: Bots;
  tools: SenderTools;
  apiUrl: string;
  controlUrl: string;
  controlKey: string;
  servers: Server[];
  saver: Saver | undefined;
}

/**
 * Starts the Bot API stand-in.
 * @throws Error when a port is taken, the extra CA holds no certificate, or the state file can't be read
 */
export async function startTelegram(options: TelegramOptions = {}): Promise<Telegram> {
  const { stateFile } = options;
  const state = stateFile === undefined ? undefined : loadState(stateFile);
  const clock = options.clock ?? new Clock({ offsetMs: state?.clockOffsetMs ?? 0 });
  const bots = new Bots();
  const saver =
    stateFile === undefined ? undefined : new Saver(() => saveState(stateFile, bots, clock.offset()));
  const tools = makeTools(options, clock, bots, () => saver?.changed());
  restoreBots(bots, state?.bots ?? []);
  for (const { name, token } of options.bots ?? []) bots.add(name, token);

  const api = createApiServer(bots, tools);
  const apiUrl = await listen(api, options.apiHost ?? "127.0.0.1", options.apiPort ?? 0, "Bot API");
  const controlKey = newControlKey();
  // The server needs the controls and the controls' address needs the server; the former is filled in below.
  const slot: { controls?: Telegram } = {};
  const control = createControlServer(controlKey, () => slot.controls, tools.log);
  let controlUrl: string;
  try {
    controlUrl = await listen(control, "127.0.0.1", options.controlPort ?? 0, "control");
  } catch (error) {
    await closeServer(api);
    throw error;
  }
  const telegram = new Telegram({
    bots,
    tools,
    apiUrl,
    controlUrl,
    controlKey,
    servers: [api, control],
    saver,
  });
  slot.controls = telegram;
  for (const bot of bots.all()) resumeWebhook(bot, tools);
  saver?.flush();
  return telegram;
}

function makeTools(options: TelegramOptions, clock: Clock, bots: Bots, changed: () => void): SenderTools {
  const tools: SenderTools = {
    clock,
    trust: new Trust(options.extraCa),
    resolver: new Resolver({ ...options.hosts }, options.lookup),
    random: options.random ?? Math.random,
    log: options.log ?? (() => undefined),
    changed,
    call: (bot, method, params) => {
      callMethod(bots, bot.token, method, params, tools).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        tools.log(`${bot.name}: the webhook's answer asked for ${method}, which failed: ${reason}`);
      });
    },
  };
  return tools;
}

function resumeWebhook(bot: Bot, tools: SenderTools): void {
  if (bot.webhook === undefined) return;
  bot.sender = new WebhookSender(bot, bot.webhook, tools);
  bot.sender.resume();
}

/** Another process listens on the port. */
export class PortTaken extends Error {
  override readonly name = "PortTaken";
}

function listen(server: Server, host: string, port: number, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const where = `the Telegram stand-in can't listen on ${host}:${port} (${what})`;
      if (error.code !== "EADDRINUSE") reject(new Error(`${where}: ${error.message}`));
      else
        reject(
          new PortTaken(`${where}: the port is taken; choose another one or end the process that has it`),
        );
    });
    server.listen(port, host, () => {
      const address = server.address();
      const actual = typeof address === "object" && address !== null ? address.port : port;
      resolve(`http://${host}:${actual}`);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
