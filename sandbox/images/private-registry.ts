/** A private registry with a certificate of its own authority, for tests and as long as this process lives. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../engine/docker.ts";
import { createRegistry, type Shelf } from "./registry.ts";
import type { Access } from "./registry-access.ts";
import type { ImageStore, StoredImage } from "./store.ts";

export interface PrivateRegistryOptions {
  /** An IPv4 address of this machine. */
  readonly address: string;
  readonly store: ImageStore;
  /** Default: everyone may read. */
  readonly access?: Access;
}

/** A running registry. It can be stopped and started again, on the same port. */
export interface PrivateRegistry {
  /** `address:port`, the first part of its images' names. */
  readonly name: string;
  /** PEM of the authority that signed its certificate. */
  readonly authority: string;
  /** What was asked for: method, path and status. */
  readonly requests: readonly string[];
  /** Serves an image under a name and tag, `weather:1`; another one than before: the tag moves. */
  put(nameAndTag: string, image: StoredImage): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the certificate and starts the registry on a free port. */
export async function startPrivateRegistry(options: PrivateRegistryOptions): Promise<PrivateRegistry> {
  const { address, store, access } = options;
  const { authority, ...tls } = await certificateFor(address);
  const shelf: Record<string, Shelf[string]> = {};
  const requests: string[] = [];
  let server: Server | undefined;
  // A free one at first, then always the same.
  let port = 0;
  const start = async (): Promise<void> => {
    const fresh = createRegistry({
      ...{ store, shelf: () => shelf, log: () => undefined, tls },
      ...(access === undefined ? {} : { access }),
    });
    fresh.on("request", (request, response) => {
      response.on("finish", () => requests.push(`${request.method} ${request.url} ${response.statusCode}`));
    });
    await new Promise<void>((resolve, reject) => {
      fresh.once("error", reject).listen(port, address, resolve);
    });
    port = (fresh.address() as AddressInfo).port;
    server = fresh;
  };
  await start();
  return {
    ...{ name: `${address}:${port}`, authority, requests, start },
    put: (nameAndTag, image) => {
      shelf[nameAndTag] = image;
    },
    stop: async () => {
      const running = server;
      server = undefined;
      if (running === undefined) return;
      running.closeAllConnections();
      await new Promise<void>((resolve) => running.close(() => resolve()));
    },
  };
}

async function certificateFor(address: string): Promise<{ authority: string; key: string; cert: string }> {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  try {
    await run("sh", [join(import.meta.dirname, "../acme/make-authority.sh"), folder, `IP:${address}`]);
    const read = (name: string): string => readFileSync(join(folder, name), "utf8");
    return { authority: read("ca.pem"), key: read("server.key"), cert: read("server.pem") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
