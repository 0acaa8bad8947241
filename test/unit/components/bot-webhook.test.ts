/** webhook.sh: what is taken back when a bot is removed. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runProgram } from "../support/processes.ts";

const script = fileURLToPath(new URL("../../../components/bot/webhook.sh", import.meta.url));
const token = "123456789:Token";
const own = "https://bots.example.com/webhook/hello";

/** Removes a bot whose token has this webhook at Telegram. Gives Telegram's methods that were called. */
async function unset(has: string, input: { readonly url?: string }) {
  const methods: string[] = [];
  const server = createServer((request, response) => {
    const method = request.url?.replace(`/bot${token}/`, "") ?? "";
    methods.push(method);
    response.end(JSON.stringify({ ok: true, result: method === "getWebhookInfo" ? { url: has } : true }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const text = JSON.stringify({ apiRoot: `http://127.0.0.1:${port}`, token, ...input });
    const ended = await runProgram("bash", [script, "unset", "hello"], { input: text });
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: "" });
    return { methods, said: ended.stderr };
  } finally {
    server.close();
  }
}

test.each([own, `${own}/of-its-own`, `${own}?key=1`])("a bot's webhook goes with it: %s", async (has) => {
  const { methods, said } = await unset(has, { url: own });
  expect(methods).toContain("deleteWebhook");
  expect(said).toContain("webhook removed");
});

test.each(["https://bots.example.com/webhook/hi", "https://bots.example.com/webhook/hello-again"])(
  "one that got another name leaves the webhook that its token has by now: %s",
  async (has) => {
    const { methods, said } = await unset(has, { url: own });
    expect(methods).toEqual(["getWebhookInfo"]);
    expect(said).toContain("has another webhook");
  },
);

test("before a bot polls, whatever webhook there is goes", async () => {
  const { methods } = await unset("https://elsewhere.example.com/", {});
  expect(methods).toEqual(["deleteWebhook"]);
});
