/** The check by path, run by a real shell that finds one HTTP client and no other. */
import { symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { botHealthcheck } from "../../../components/bot/health.ts";
import { botsOf } from "../support/bots.ts";
import { freePort, listenAnywhere } from "../support/ports.ts";
import { runProgram } from "../support/processes.ts";
import { findClient } from "../support/programs.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

/** The server answers /200 with 200, and so on; /moved leads to /200. */
let server: Server;
let port: number;
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/moved") return void response.writeHead(302, { location: "/500" }).end();
    response.writeHead(Number(request.url?.slice(1))).end();
  });
  port = await listenAnywhere(server);
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const clients = ["curl", "wget", "python3", "node"] as const;
/** For each client an environment that holds no other. */
const environments: Record<string, NodeJS.ProcessEnv> = { none: { PATH: sharedFolder() } };
for (const client of clients) {
  const { path, env } = await findClient(client);
  const folder = sharedFolder();
  symlinkSync(path, join(folder, client));
  const libraries = env.LD_LIBRARY_PATH;
  environments[client] = { PATH: folder, ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }) };
}

/** Runs the probe as Docker does: `/bin/sh -c TEXT` in the container's own environment. */
async function probe(
  client: string,
  path: string,
  at = port,
): Promise<{ code: number | null; said: string }> {
  const [bot] = botsOf({ sample: { image: "example/sample:1", health: { path, port: at } } });
  if (bot === undefined) throw new Error("no bot");
  const { tests } = botHealthcheck(bot) as { tests: string[] };
  const [kind, text = ""] = tests;
  expect(kind).toBe("CMD-SHELL");
  const { code, stdout, stderr } = await runProgram("/bin/sh", ["-c", text], {
    env: environments[client] ?? {},
  });
  return { code, said: stdout + stderr };
}

describe.for(clients)("with %s as the only client", (client) => {
  test("200 is well, and says nothing", async () => {
    asked.length = 0;
    expect(await probe(client, "/200")).toEqual({ code: 0, said: "" });
    expect(asked).toEqual(["/200"]);
  });

  test("any other 2xx is well", async () => {
    expect(await probe(client, "/204")).toEqual({ code: 0, said: "" });
  });

  test.for(["/500", "/503", "/404", "/401"])("%s is not well", async (path) => {
    expect((await probe(client, path)).code).not.toBe(0);
  });

  test("a way to a page that is not well is not well", async () => {
    expect((await probe(client, "/moved")).code).not.toBe(0);
  });

  test("a bot that does not listen is not well", async () => {
    expect((await probe(client, "/200", await freePort())).code).not.toBe(0);
  });
});

test("without any client the bot is not well", async () => {
  expect((await probe("none", "/200")).code).not.toBe(0);
});
