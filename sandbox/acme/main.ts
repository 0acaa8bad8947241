/** The process of an ACME authority's front: `node main.ts FOLDER`, started by background.ts. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createControlServer, newControlKey } from "../engine/control.ts";
import { markOf, writePidFile } from "../engine/processes.ts";
import type { PortFile } from "./client.ts";
import { calls } from "./control-api.ts";
import { Front, type FrontOptions } from "./front.ts";

/** What front.json says; certificate and key lie in the folder. */
export type FrontSettings = Pick<FrontOptions, "host" | "port" | "pebble" | "whenNoneIsAsked">;

const [folder = ""] = process.argv.slice(2);
const file = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(file(name), "utf8");
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

async function start(): Promise<() => Promise<void>> {
  const settings: FrontSettings = JSON.parse(text("front.json"));
  const front = new Front({
    ...settings,
    certificate: text("pebble/server.pem"),
    key: text("pebble/server.key"),
    authority: text("pebble/ca.pem"),
    log,
  });
  // The pid file comes first: who sees the port file can also stop the process.
  writePidFile(file("front.pid"), process.pid);
  await front.listen();
  const controlKey = newControlKey();
  const control = createControlServer(
    controlKey,
    (name) => {
      const call = calls.find((known) => known === name);
      return call === undefined ? undefined : (order) => front[call](JSON.parse(order));
    },
    log,
  );
  const ports: PortFile = {
    directoryUrl: front.directoryUrl,
    controlUrl: await listenLocally(control),
    controlKey,
  };
  writeFileSync(file("acme.json.new"), JSON.stringify(ports), { mode: 0o600 });
  renameSync(file("acme.json.new"), file("acme.json"));
  log(`listening: ${front.directoryUrl}`);
  return async () => {
    control.close();
    control.closeAllConnections();
    await front.close();
  };
}

function listenLocally(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}

function ownsPidFile(): boolean {
  try {
    return text("front.pid") === JSON.stringify(markOf(process.pid));
  } catch {
    return false;
  }
}

try {
  const close = await start();
  const stop = (): void => {
    clearInterval(watch);
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  // A process whose pid file is gone or names another one belongs to no sandbox any more.
  const watch = setInterval(() => {
    if (!ownsPidFile()) stop();
  }, 5000);
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
