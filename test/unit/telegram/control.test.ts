import { expect, test } from "vitest";
import { TelegramClient } from "../../../sandbox/telegram/client.ts";
import { readAnswer, startBench, startWebhook } from "./bench.ts";

test("the client does over HTTP what the object does in the process", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: {} });
  const client = new TelegramClient(bench.telegram);
  const token = await client.addBot({ name: "tulip" });
  expect(await client.addBot({ name: "tulip" })).toBe(token);
  await client.setHosts({ hosts: hook.hosts });
  const response = await fetch(
    `${client.apiUrl}/bot${token}/setWebhook?url=${encodeURIComponent(hook.url)}&secret_token=s`,
  );
  expect(response.status).toBe(200);
  expect(await client.bots()).toMatchObject([
    { name: "rose", webhook: "", hasSecret: false },
    { name: "tulip", webhook: hook.url, hasSecret: true, polling: false },
  ]);
  hook.answer = (delivery, _, answer) => {
    answer.writeHead(200, { "Content-Type": "application/json" });
    answer.end(
      JSON.stringify({ method: "sendMessage", chat_id: delivery.chat, text: `you said ${delivery.text}` }),
    );
  };
  const first = await client.send({ bot: "tulip", text: "one", chat: 5 });
  expect(await client.waitForReply({ bot: "tulip", chat: 5, afterUpdateId: first })).toMatchObject([
    { text: "you said one" },
  ]);
  const second = await client.send({ bot: "tulip", text: "two", chat: 5 });
  expect(await client.waitForReply({ bot: "tulip", chat: 5, afterUpdateId: second })).toMatchObject([
    { text: "you said two" },
  ]);
  expect((await client.messages({ bot: "tulip", chat: 5 })).map((message) => message.text)).toEqual([
    "one",
    "you said one",
    "two",
    "you said two",
  ]);
  expect(await client.stats({ bot: "tulip" })).toMatchObject({
    sent: 2,
    attempts: 2,
    delivered: 2,
    answered: 2,
    failed: 0,
    retried: 0,
    pending: 0,
    delivery: { count: 2 },
    answer: { count: 2 },
  });
  expect(await client.updates({ bot: "tulip", fromId: second })).toMatchObject([
    { updateId: second, chat: 5, attempts: 1 },
  ]);
  const before = bench.clock.now();
  await client.advance({ seconds: 90 });
  expect(bench.clock.now() - before).toBe(90_000);
  await client.reset({ countsOf: "tulip" });
  expect(await client.stats({ bot: "tulip" })).toMatchObject({ sent: 0, delivery: { count: 0 } });
  await client.reset();
  expect(await client.bots()).toEqual([]);
});

test("a new token ends the former one with its webhook; updates wait for the new one's", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url, secret_token: "former" });
  const token = await bench.telegram.renewToken({ bot: "rose" });
  expect(token).not.toBe(bench.token);
  expect(token.split(":")[0]).toBe(bench.token.split(":")[0]);
  await bench.say("meanwhile");
  expect((await bench.call("getWebhookInfo")).status).toBe(401);
  const api = `${bench.telegram.apiUrl}/bot${token}`;
  const info = await readAnswer(fetch(`${api}/getWebhookInfo`));
  expect(info.body.result).toMatchObject({ url: "", pending_update_count: 1 });
  expect(hook.deliveries).toEqual([]);

  await bench.clock.advance(1);
  await fetch(`${api}/setWebhook?url=${encodeURIComponent(hook.url)}&secret_token=present`);
  const [delivery] = await hook.received(1);
  expect(delivery).toMatchObject({ text: "meanwhile" });
  expect(delivery?.headers["x-telegram-bot-api-secret-token"]).toBe("present");
});

test("mistakes are told in one line", async () => {
  const bench = await startBench();
  const client = new TelegramClient(bench.telegram);
  await expect(client.send({ bot: "tulip", text: "x" })).rejects.toThrow(
    'there is no bot "tulip"; there are: rose',
  );
  await expect(client.send({ bot: "rose", text: " " })).rejects.toThrow("send: the text must not be empty");
  await expect(client.addBot({ name: "lily", token: "123:abc" })).rejects.toThrow(/^addBot: a token is/);
  await expect(client.addBot({ name: "lily", token: bench.token })).rejects.toThrow(
    'belongs to the bot "rose"',
  );
  await expect(client.advance({ seconds: -1 })).rejects.toThrow(/seconds must be 0 or more/);
  await expect(client.flood({ bot: "rose", rate: 0, count: 1 })).rejects.toThrow(/rate must be above 0/);
  const stranger = new TelegramClient({ ...bench.telegram, controlKey: "wrong" });
  await expect(stranger.bots()).rejects.toThrow(
    "the control key is wrong; take it from the stand-in's port file",
  );
  expect(() => TelegramClient.fromPortFile("/nowhere/telegram.json")).toThrow(
    /the Telegram stand-in doesn't run/,
  );
  await bench.telegram.close();
  await expect(client.bots()).rejects.toThrow(/the Telegram stand-in doesn't answer at http/);
});

test("waitForReply says why there was no answer", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  const reason = async (text: string): Promise<string> => {
    const afterUpdateId = await bench.say(text);
    return bench.telegram.waitForReply({ bot: "rose", afterUpdateId, timeoutMs: 200 }).then(
      () => "",
      (error: Error) => error.message,
    );
  };
  expect(await reason("no webhook")).toBe(
    'no answer of the bot "rose" in 0.2 s: it has no webhook and doesn\'t poll',
  );
  await bench.setWebhook({ url: hook.url });
  expect(await reason("silent")).toMatch(/the update was delivered, but the bot sent no message$/);
  await hook.close();
  expect(await reason("gone")).toMatch(
    /the update was not delivered after \d+ tr(y|ies); the last error: Connection refused$/,
  );
  await expect(bench.telegram.waitForReply({ bot: "rose", afterUpdateId: 1 })).rejects.toThrow(
    /never got an update 1/,
  );
});

test("an answer counts only after the update that is asked for, also for updates that are no messages", async () => {
  const bench = await startBench();
  await bench.say("hello");
  await bench.call("sendMessage", { chat_id: 1_000_001, text: "to the message" });
  const updateId = await bench.telegram.inject({
    bot: "rose",
    type: "callback_query",
    payload: { id: "1", data: "more" },
  });
  const waiting = bench.telegram.waitForReply({ bot: "rose", afterUpdateId: updateId ?? 0 });
  await bench.call("sendMessage", { chat_id: 1_000_001, text: "to the button" });
  expect(await waiting).toMatchObject([{ text: "to the button" }]);
  // The times of answers are those of messages.
  const updates = await bench.telegram.updates({ bot: "rose" });
  expect(updates.map((update) => update.answeredMs !== undefined)).toEqual([true, false]);
});

test("a flood of 1,000 updates at 500 a second is delivered in order, once each, with times for every update", async () => {
  const hook = await startWebhook((delivery, _, response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ method: "sendMessage", chat_id: delivery.chat, text: delivery.text }));
  });
  const bench = await startBench({ hosts: hook.hosts, frozen: false });
  await bench.setWebhook({ url: hook.url, max_connections: 20 });
  const client = new TelegramClient(bench.telegram);
  const id = await client.flood({ bot: "rose", rate: 500, count: 1000, chats: 40 });
  const report = await client.floodReport({ id, waitMs: 60_000 });
  expect(report).toMatchObject({
    sent: 1000,
    delivered: 1000,
    answered: 1000,
    dropped: 0,
    retried: 0,
    done: true,
  });
  expect(report.delivery.p99).toBeGreaterThanOrEqual(report.delivery.p50);
  expect(hook.deliveries).toHaveLength(1000);
  expect(new Set(hook.deliveries.map((delivery) => delivery.text)).size).toBe(1000);
  for (let chat = 1_000_001; chat <= 1_000_040; chat++) {
    const numbers = hook.deliveries.filter((d) => d.chat === chat).map((d) => Number(d.text.split(" ")[1]));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
  expect(hook.connections()).toBeLessThanOrEqual(20);
  expect(await client.updates({ bot: "rose" })).toHaveLength(1000);
});
