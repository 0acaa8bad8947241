import { randomInt } from "node:crypto";
import { connect, createServer, type Server } from "node:net";

/** The port on 127.0.0.1 that a server was given, once it listens on any free one. */
export async function listenAnywhere(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

/** The ports of each of vitest's workers: below those that the kernel gives away itself, and that the sandbox takes. */
const PORTS_OF_A_WORKER = 500;
const ofThisWorker = 10_000 + ((Number(process.env.VITEST_POOL_ID ?? 0) * PORTS_OF_A_WORKER) % 10_000);
// Not the one that the file before has only just left.
let next = randomInt(PORTS_OF_A_WORKER);

/** A port on which nothing listens, and that nobody else is given before it is used: not by the kernel, and not here. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_OF_A_WORKER; tries += 1) {
    next = (next + 1) % PORTS_OF_A_WORKER;
    if (await isFree(ofThisWorker + next)) return ofThisWorker + next;
  }
  throw new Error(`no port is free between ${ofThisWorker} and ${ofThisWorker + PORTS_OF_A_WORKER}`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** Whether something listens on that port of 127.0.0.1. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
