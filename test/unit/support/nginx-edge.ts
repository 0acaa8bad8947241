/** An edge on a real nginx, with a bot behind it, for the tests of what it answers. */
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll } from "vitest";
import { type Tree, type TreeOptions, writeTree } from "./edge-tree.ts";
import { type Nginx, openNginx, type RunningNginx } from "./nginxes.ts";
import { sharedFolder } from "./temporary-folder.ts";
import { type Answer, type Arrived, ask, type Question, startBot, startNames } from "./web.ts";

/** A webhook with the usual limits, at this port. */
export const webhookOf = (port: number) => ({
  port,
  path: "/webhook",
  maxConnections: 40,
  rateLimit: { perSecond: 300, burst: 600 },
});

/** An nginx for all tests of a `describe`, with a bot behind it. */
export function edge(reference: string, options: (port: number) => Partial<TreeOptions>) {
  const folder = sharedFolder();
  const parts: { tree?: Tree; nginx?: Nginx; running?: RunningNginx | undefined; seen?: readonly Arrived[] } =
    {};
  const servers: { close(): unknown }[] = [];
  beforeAll(async () => {
    const bot = await startBot((request, response) => {
      const type = request.url?.endsWith(".html") === true ? "text/html" : "image/png";
      response.writeHead(200, { "content-type": type }).end("<p>a page</p>".repeat(100));
    });
    bot.server.on("upgrade", ({ headers, url }, socket) => {
      const { upgrade, connection } = headers;
      // Whoever asked may be gone before the answer is.
      socket.on("error", () => {});
      socket.end(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${upgrade}\r\nConnection: ${connection}\r\nX-Url: ${url}\r\n\r\n`,
      );
    });
    const names = await startNames("nobody-here");
    servers.push(bot.server, names.server);
    const nginx = await openNginx(reference, folder);
    const given = options(bot.port);
    const tree = await writeTree(folder, { ...nginx, dns: names.port, ...given });
    const running = await nginx.start(tree.config, tree.ports.https);
    parts.running = running;
    await untilRouted(tree, given);
    Object.assign(parts, { tree, nginx, running, seen: bot.arrived });
    // The first time it may have to make images.
  }, 900_000);
  const stop = async () => {
    await parts.running?.stop();
    parts.running = undefined;
  };
  afterAll(async () => {
    await stop();
    for (const server of servers) server.close();
  });
  const tree = (): Tree => parts.tree ?? missing();
  return {
    tree,
    nginx: (): Nginx => parts.nginx ?? missing(),
    seen: (): readonly Arrived[] => parts.seen ?? missing(),
    stop,
    get: (question: Partial<Question>): Promise<Answer> => {
      const port = question.plain === true ? tree().ports.http : tree().ports.https;
      return ask({ port, path: "/", method: "GET", ...question });
    },
  };
}

/** nginx looks a bot's name up when it begins, beside the first requests: waits until every route leads to its bot. */
async function untilRouted(tree: Tree, { routes = [], site }: Partial<TreeOptions>): Promise<void> {
  const host = site?.names?.[0] ?? "bots.example.com";
  const tls = site?.kind === "ip" ? { servername: "" } : {};
  for (const { bot, webhook, pages, secrets = [] } of routes) {
    const headers = { host, "x-telegram-bot-api-secret-token": secrets[0] ?? "" };
    const question = { port: tree.ports.https, headers, ...tls };
    if (webhook !== undefined) await until200({ ...question, path: `/webhook/${bot}`, method: "POST" });
    if (pages !== undefined) await until200({ ...question, path: pages.path, method: "GET" });
  }
}

/** Asks until all is well; the test's own limit ends it. */
export async function until200(question: Question): Promise<void> {
  while ((await ask(question)).status !== 200) await delay(20);
}

function missing(): never {
  throw new Error("the edge did not start");
}

/** A TLS connection to this machine, or the message with which it failed. */
export function handshake(
  port: number,
  servername: string,
  options: object = {},
): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false, ...options });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", (error) => resolve(error.message));
  });
}

/** Who the certificate of a connection is for; closes it. */
export function commonNameOf(socket: TLSSocket | string): string {
  if (typeof socket === "string") return socket;
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}
