import type { Server } from "node:http";
import { createControlServer as createServer } from "../engine/control.ts";
import type { TelegramControl } from "./control-api.ts";

/** The calls that the control side offers. */
const CALLS = [
  "addBot",
  "renewToken",
  "bots",
  "send",
  "inject",
  "waitForReply",
  "messages",
  "stats",
  "updates",
  "flood",
  "floodReport",
  "numbered",
  "numberedStop",
  "numberedReport",
  "setHosts",
  "setExtraCa",
  "advance",
  "reset",
] as const satisfies readonly (keyof TelegramControl)[];

/** Serves the control calls, once there are controls. */
export function createControlServer(
  key: string,
  controls: () => TelegramControl | undefined,
  log: (line: string) => void,
): Server {
  const find = (name: string) => {
    const call = CALLS.find((known) => known === name);
    const target = controls();
    if (call === undefined || target === undefined) return undefined;
    return (order: string): Promise<unknown> => target[call](JSON.parse(order));
  };
  return createServer(key, find, log);
}
