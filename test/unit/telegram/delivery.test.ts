import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { startBench, startWebhook } from "./bench.ts";
import { type Answer, status } from "./webhook-receiver.ts";

test("a message is delivered over HTTPS with Telegram's headers, and the bot's answer comes back", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  const set = await bench.setWebhook({ url: hook.url, secret_token: "Sesame_1-x" });
  expect(set).toMatchObject({
    status: 200,
    body: { ok: true, result: true, description: "Webhook was set" },
  });

  const updateId = await bench.say("/start");
  const [delivery] = await hook.received(1);
  expect(delivery).toMatchObject({
    path: "/webhook/rose",
    text: "/start",
    updateId,
    servername: "garden.test",
  });
  expect(delivery?.headers).toMatchObject({
    host: "garden.test:8443",
    "x-telegram-bot-api-secret-token": "Sesame_1-x",
    "content-type": "application/json",
    "accept-encoding": "gzip, deflate",
    connection: "keep-alive",
  });
  expect(delivery?.rawHeaders).toContain("X-Telegram-Bot-Api-Secret-Token");

  const waiting = bench.telegram.waitForReply({ bot: "rose", afterUpdateId: updateId });
  const sent = await bench.call("sendMessage", { chat_id: delivery?.chat, text: "Hello, Ada" });
  expect(sent.body.result).toMatchObject({
    text: "Hello, Ada",
    from: { is_bot: true, username: "rose_bot" },
  });
  expect(await waiting).toMatchObject([{ from: "bot", text: "Hello, Ada" }]);
});

test("without a secret there is no secret header; user and password of the URL become Authorization", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url.replace("https://", "https://ada:sesame@") });
  await bench.say("hello");
  const [delivery] = await hook.received(1);
  expect(delivery?.headers).not.toHaveProperty("x-telegram-bot-api-secret-token");
  expect(delivery?.headers.authorization).toBe(`Basic ${Buffer.from("ada:sesame").toString("base64")}`);
});

test("one chat: strictly in order, each update only after the answer to the one before, on a kept connection", async () => {
  const answers: (() => void)[] = [];
  const hook = await startWebhook((_, __, response) => void answers.push(() => response.end()));
  const bench = await startBench({ hangs: true, hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  for (const text of ["one", "two", "three"]) await bench.say(text);
  for (const count of [1, 2, 3]) {
    await hook.received(count);
    // Time alone doesn't send the next one.
    await bench.clock.advance(5);
    expect(hook.deliveries).toHaveLength(count);
    answers[count - 1]?.();
  }
  await bench.until(
    "all are delivered",
    async () => (await bench.telegram.stats({ bot: "rose" })).pending === 0,
  );
  expect(hook.deliveries.map((delivery) => delivery.text)).toEqual(["one", "two", "three"]);
  expect(new Set(hook.deliveries.map((delivery) => delivery.connection)).size).toBe(1);
});

test("different chats go in parallel, up to max_connections", async () => {
  const answers: (() => void)[] = [];
  const hook = await startWebhook((_, __, response) => void answers.push(() => response.end()));
  const bench = await startBench({ hangs: true, hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url, max_connections: 3 });
  // A first success, so that Telegram takes the webhook for alive.
  await bench.say("first", 1);
  await hook.received(1);
  for (let chat = 2; chat <= 7; chat++) await bench.say("hello", chat);
  answers[0]?.();
  await hook.received(4);
  await bench.clock.advance(8);
  expect(hook.deliveries).toHaveLength(4);
  expect((await bench.telegram.stats({ bot: "rose" })).connections).toBe(3);
  answers[1]?.();
  await hook.received(5);
  for (const answer of answers) answer();
  hook.answer = (_, __, response) => void response.end();
  await hook.received(7);
  expect(hook.connections()).toBe(3);
});

test("a chat that fails does not hold up another", async () => {
  const hook = await startWebhook((delivery, _, response) => {
    response.writeHead(delivery.chat === 1 ? 500 : 200).end();
  });
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("stuck", 1);
  await bench.say("waits", 1);
  for (const text of ["a", "b", "c"]) await bench.say(text, 2);
  await bench.until(
    "chat 2 is through",
    () => hook.deliveries.filter((delivery) => delivery.chat === 2).length === 3,
  );
  expect(hook.deliveries.map((delivery) => delivery.text)).not.toContain("waits");
});

test("a redirect is a failure and is not followed; 201 and 204 are successes", async () => {
  const hook = await startWebhook((delivery, n, response) => {
    if (delivery.text === "redirect")
      status(n === 0 ? 302 : 307, { Location: "https://garden.test:8443/else" })(delivery, n, response);
    else status(delivery.text === "created" ? 201 : 204)(delivery, n, response);
  });
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("redirect", 1);
  await hook.received(2);
  await bench.until("the error is known", async () => "last_error_message" in (await bench.info()));
  expect((await bench.info()).last_error_message).toMatch(/^Wrong response from the webhook: 30[27] /);
  expect(hook.deliveries.every((delivery) => delivery.path === "/webhook/rose")).toBe(true);
  await bench.say("created", 2);
  await bench.say("no content", 3);
  await bench.until(
    "two are delivered",
    async () => (await bench.telegram.stats({ bot: "rose" })).delivered === 2,
  );
});

const replies: [string, string, string | Buffer, Record<string, string>][] = [
  ["JSON", "application/json", JSON.stringify({ method: "sendMessage", chat_id: 1_000_001, text: "Hi" }), {}],
  ["a form", "application/x-www-form-urlencoded", "method=SendMessage&chat_id=1000001&text=Hi", {}],
  [
    "gzipped JSON",
    "application/json",
    gzipSync(JSON.stringify({ method: "sendMessage", chat_id: 1_000_001, text: "Hi" })),
    { "Content-Encoding": "gzip" },
  ],
];
test.for(replies)("a method call in the webhook's answer is run: %s", async ([, type, body, headers]) => {
  const hook = await startWebhook(
    (_, __, response) => void response.writeHead(200, { "Content-Type": type, ...headers }).end(body),
  );
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  const afterUpdateId = await bench.say("hello");
  expect(await bench.telegram.waitForReply({ bot: "rose", afterUpdateId })).toMatchObject([{ text: "Hi" }]);
});

test("methods that change or read the webhook are not run from an answer, and other bodies mean nothing", async () => {
  const bodies = [
    ...["setWebhook", "deleteWebhook", "close", "logOut", "getUpdates"].map((method) =>
      JSON.stringify({ method }),
    ),
    "[]",
    "{ broken",
    '{"method":"sendMessage","chat_id":5,"text":"to nobody"}',
  ];
  const answer: Answer = (_, n, response) =>
    void response.writeHead(200, { "Content-Type": "application/json" }).end(bodies[n]);
  const hook = await startWebhook(answer);
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  for (const body of bodies) await bench.say(body);
  const stats = (): ReturnType<typeof bench.telegram.stats> => bench.telegram.stats({ bot: "rose" });
  await bench.until("all are delivered", async () => (await stats()).delivered === bodies.length);
  expect(await bench.info()).toMatchObject({ url: hook.url });
  expect(await stats()).toMatchObject({ calls: { setWebhook: 1, sendMessage: 1 }, answered: 0, failed: 0 });
  expect((await stats()).calls).not.toHaveProperty("deleteWebhook");
});

test("an answer with Connection: close ends the connection, the next update takes a new one", async () => {
  const hook = await startWebhook(status(200, { Connection: "close" }));
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("one");
  await bench.say("two");
  await hook.received(2);
  expect(hook.deliveries.map((delivery) => delivery.connection)).toEqual([0, 1]);
});
