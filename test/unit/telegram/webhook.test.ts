import { expect, test } from "vitest";
import { atEnd, certificateForm, readAnswer, startBench, startWebhook, testAuthority } from "./bench.ts";
import { makeCertificate } from "./certificates.ts";
import { ownAddress, startReceiver, status } from "./webhook-receiver.ts";

const HOSTS = { "garden.test": "127.0.0.1", "six.test": "::1" };
const URL = "https://garden.test:8443/webhook";

const refused: [Record<string, unknown>, string][] = [
  [
    { url: "https://garden.test:8444/" },
    "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
  ],
  [{ url: "http://garden.test/" }, "bad webhook: An HTTPS URL must be provided for webhook"],
  [{ url: "https://" }, "invalid webhook URL specified"],
  [{ url: "ftp://garden.test/" }, "invalid webhook URL specified"],
  [{ url: "https://nowhere.invalid/" }, "bad webhook: Failed to resolve host: Name or service not known"],
  [{ url: "https://six.test/" }, "bad webhook: IPv6-only addresses are not allowed"],
  [{ url: "https://[::1]/" }, "bad webhook: IPv6-only addresses are not allowed"],
  [{ url: URL, ip_address: "::1" }, "bad webhook: IPv6-only addresses are not allowed"],
  [{ url: URL, ip_address: "garden" }, "bad webhook: Invalid IP address specified"],
  [{ url: URL, secret_token: "a".repeat(257) }, "secret token is too long"],
  [{ url: URL, secret_token: "sesame!" }, "secret token contains unallowed characters"],
];
test.for(refused)(
  "setWebhook %j is refused, and the webhook before it is gone",
  async ([params, description]) => {
    const bench = await startBench({
      hosts: HOSTS,
      lookup: () => Promise.reject(new Error("no such name")),
    });
    expect((await bench.setWebhook({ url: URL })).body.ok).toBe(true);
    expect(await bench.setWebhook(params)).toMatchObject({
      status: 400,
      body: { ok: false, error_code: 400, description: `Bad Request: ${description}` },
    });
    expect(await bench.info()).toMatchObject({ url: "" });
  },
);

test.for([
  "https://garden.test/",
  "https://garden.test:443/",
  "https://garden.test:80/x",
  "https://garden.test:88/",
  "garden.test:8443/webhook",
])("setWebhook takes %s", async (url) => {
  const bench = await startBench({ hosts: HOSTS });
  expect((await bench.setWebhook({ url })).body).toMatchObject({ ok: true, result: true });
  expect(await bench.info()).toMatchObject({ url, ip_address: "127.0.0.1", max_connections: 40 });
});

test("a certificate of more than 3 MiB is refused", async () => {
  const bench = await startBench({ hosts: HOSTS });
  const size = 3 * 1024 * 1024 + 1;
  const answer = await bench.setWebhook(certificateForm({ url: URL }, "x".repeat(size)));
  expect(answer.body.description).toBe(`Bad Request: certificate size is too big (${size} bytes)`);
});

test("the parameters may come as query, form, JSON or multipart", async () => {
  const bench = await startBench({ hosts: HOSTS });
  const params = (type: string): Record<string, string> => ({
    url: URL,
    max_connections: "7",
    allowed_updates: `["${type}"]`,
  });
  const multipart = new FormData();
  for (const [name, value] of Object.entries(params("poll"))) multipart.set(name, value);
  const json = { url: URL, max_connections: 7, allowed_updates: ["inline_query"] };
  const requests: [string, string, RequestInit][] = [
    ["message", `?${new URLSearchParams(params("message")).toString()}`, {}],
    ["channel_post", "", { method: "POST", body: new URLSearchParams(params("channel_post")) }],
    ["poll", "", { method: "POST", body: multipart }],
    [
      "inline_query",
      "",
      { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(json) },
    ],
  ];
  for (const [type, query, init] of requests) {
    await bench.clock.advance(1);
    const answer = await readAnswer(
      fetch(`${bench.telegram.apiUrl}/bot${bench.token}/SETwebhook${query}`, init),
    );
    expect(answer.body).toMatchObject({ ok: true, description: "Webhook was set" });
    expect(await bench.info()).toMatchObject({ url: URL, max_connections: 7, allowed_updates: [type] });
    await bench.call("deleteWebhook");
  }
});

test("max_connections is brought between 1 and 100", async () => {
  const bench = await startBench({ hosts: HOSTS });
  for (const [given, taken] of [
    [0, 1],
    [1000, 100],
    ["many", 40],
  ] as const) {
    await bench.setWebhook({ url: URL, max_connections: given });
    expect(await bench.info()).toMatchObject({ max_connections: taken });
  }
});

test("every call replaces the whole configuration; only allowed_updates stay", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({
    url: hook.url,
    secret_token: "sesame",
    max_connections: 5,
    ip_address: hook.address,
    allowed_updates: ["message", "callback_query"],
  });
  await bench.say("one");
  await hook.received(1);
  await bench.setWebhook({ url: hook.url });
  expect(await bench.info()).toMatchObject({
    max_connections: 40,
    allowed_updates: ["message", "callback_query"],
  });
  await bench.say("two");
  const [one, two] = await hook.received(2);
  expect(one?.headers["x-telegram-bot-api-secret-token"]).toBe("sesame");
  expect(two?.headers).not.toHaveProperty("x-telegram-bot-api-secret-token");
  await bench.setWebhook({ url: hook.url, max_connections: 2, allowed_updates: [] });
  expect(await bench.info()).not.toHaveProperty("allowed_updates");
});

test("allowed_updates leave out what the bot doesn't want, by default the three that must be asked for", async () => {
  const hook = await startWebhook();
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  const inject = (type: "chat_member" | "callback_query"): Promise<number | null> =>
    bench.telegram.inject({ bot: "rose", type, payload: { id: "1", from: { id: 5 } } });
  expect(await inject("chat_member")).toBeNull();
  expect(await inject("callback_query")).toEqual(expect.any(Number));
  await bench.setWebhook({ url: hook.url, max_connections: 9, allowed_updates: ["chat_member"] });
  expect(await inject("chat_member")).toEqual(expect.any(Number));
  expect(await inject("callback_query")).toBeNull();
  await expect(bench.say("hello")).rejects.toThrow(/gets no messages: its allowed_updates are chat_member/);
});

test("the same again is no change, unless a certificate is in play or updates are to be dropped", async () => {
  const certificate = makeCertificate({ cn: "garden.test", issuer: testAuthority() });
  const bench = await startBench({ hosts: HOSTS });
  const set = async (params: Record<string, unknown> | FormData): Promise<string | undefined> =>
    (await bench.setWebhook(params)).body.description;
  const params = { url: URL, secret_token: "sesame", max_connections: 4 };
  expect(await set(params)).toBe("Webhook was set");
  expect(await set(params)).toBe("Webhook is already set");
  for (const change of [
    { secret_token: "other" },
    { max_connections: 5 },
    { ip_address: "127.0.0.1" },
    { drop_pending_updates: true },
  ]) {
    expect(await set({ ...params, ...change })).toBe("Webhook was set");
    await set(params);
  }
  expect(await set({ ...params, allowed_updates: ["message"] })).toBe("Webhook is already set");
  expect(await bench.info()).toMatchObject({ allowed_updates: ["message"] });
  const form = (): FormData => certificateForm({ url: URL }, certificate.cert);
  expect(await set(form())).toBe("Webhook was set");
  expect(await set(form())).toBe("Webhook was set");
});

test("more than one setWebhook in a second gets 429", async () => {
  const bench = await startBench({ hosts: HOSTS });
  expect((await bench.setWebhook({ url: URL })).status).toBe(200);
  expect(await bench.call("setWebhook", { url: URL })).toEqual({
    status: 429,
    retryAfter: "1",
    body: {
      ok: false,
      error_code: 429,
      description: "Too Many Requests: retry after 1",
      parameters: { retry_after: 1 },
    },
  });
  // Another bot has its own second, and deleting is free.
  const token = await bench.telegram.addBot({ name: "tulip" });
  const other = await readAnswer(
    fetch(`${bench.telegram.apiUrl}/bot${token}/setWebhook?url=${encodeURIComponent(URL)}`),
  );
  expect(other.status).toBe(200);
  expect((await bench.call("deleteWebhook")).body).toMatchObject({
    result: true,
    description: "Webhook was deleted",
  });
  expect((await bench.call("setWebhook", { url: "" })).body.description).toBe("Webhook is already deleted");
});

test("a setWebhook that still runs is ended by the next one", async () => {
  const lookups: ((address: string) => void)[] = [];
  const bench = await startBench({ lookup: () => new Promise((resolve) => void lookups.push(resolve)) });
  const first = bench.setWebhook({ url: "https://first.test/" });
  await bench.until("the first one resolves its name", () => lookups.length === 1);
  const second = bench.setWebhook({ url: "https://second.test/" });
  expect(await first).toMatchObject({
    status: 409,
    body: { description: "Conflict: terminated by other setWebhook" },
  });
  await bench.until("the second one resolves its name", () => lookups.length === 2);
  for (const [n, answer] of lookups.entries()) answer(`127.0.0.${n + 1}`);
  expect((await second).body.ok).toBe(true);
  expect(await bench.info()).toMatchObject({ url: "https://second.test/", ip_address: "127.0.0.2" });
});

test("ok:true comes before anything is known of TLS or the bot; errors show later and a new setWebhook clears them", async () => {
  const hook = await startReceiver(makeCertificate({ cn: "garden.test" }));
  atEnd(() => hook.close());
  const bench = await startBench({ hosts: { "garden.test": hook.address } });
  expect((await bench.setWebhook({ url: URL })).body.ok).toBe(true);
  expect(await bench.info()).not.toHaveProperty("last_error_date");
  await bench.say("hello");
  await bench.until("the error is known", async () => "last_error_message" in (await bench.info()));
  expect(await bench.info()).toMatchObject({
    last_error_date: bench.clock.unixTime(),
    pending_update_count: 1,
  });
  // The same again is no change and clears nothing.
  await bench.setWebhook({ url: URL });
  expect(await bench.info()).toHaveProperty("last_error_date");
  // Nothing waits any more, so no new error can come.
  await bench.setWebhook({ url: URL, drop_pending_updates: true });
  expect(await bench.info()).not.toHaveProperty("last_error_date");
});

test("drop_pending_updates drops, without it nothing is lost by deleting or setting", async () => {
  const hook = await startWebhook(status(503));
  const bench = await startBench({ hosts: hook.hosts });
  await bench.setWebhook({ url: hook.url });
  await bench.say("one");
  await bench.call("deleteWebhook");
  await bench.say("two");
  expect(await bench.info()).toMatchObject({ url: "", pending_update_count: 2 });
  await bench.call("deleteWebhook", { drop_pending_updates: true });
  expect(await bench.info()).toMatchObject({ pending_update_count: 0 });
  await bench.say("three");
  hook.answer = status(200);
  await bench.setWebhook({ url: hook.url });
  await bench.until("it is delivered", () => hook.deliveries.some((delivery) => delivery.text === "three"));
  await bench.until("none waits", async () => (await bench.info()).pending_update_count === 0);
  hook.answer = status(503);
  await bench.say("four");
  await bench.setWebhook({ url: hook.url, drop_pending_updates: "yes" });
  expect(await bench.info()).toMatchObject({ pending_update_count: 0 });
});

test("ip_address pins the address; without it the name is resolved anew after half an hour", async () => {
  const [old, moved] = [await startWebhook(), await startWebhook()];
  const bench = await startBench({ hosts: old.hosts });
  await bench.setWebhook({ url: old.url });
  await bench.say("one");
  await old.received(1);
  await bench.telegram.setHosts({ hosts: moved.hosts });
  await bench.clock.advance(29 * 60);
  await bench.say("two");
  await old.received(2);
  await bench.clock.advance(5 * 60);
  expect(await bench.info()).toMatchObject({ ip_address: moved.address });
  await bench.say("three");
  await moved.received(1);

  await bench.setWebhook({ url: old.url, ip_address: old.address });
  await bench.clock.advance(60 * 60);
  await bench.say("four");
  await old.received(3);
  expect(await bench.info()).toMatchObject({ ip_address: old.address });
});

test("a connection to an old address ends after its answer", async () => {
  const [old, moved] = [await startWebhook(), await startWebhook()];
  const bench = await startBench({ hangs: true, hosts: old.hosts, random: () => 0 });
  await bench.setWebhook({ url: old.url });
  await bench.clock.advance(29 * 60 + 50);
  let answer: () => void = () => undefined;
  old.answer = (_, __, response) => {
    answer = () => response.end();
  };
  await bench.say("one");
  await old.received(1);
  await bench.telegram.setHosts({ hosts: moved.hosts });
  await bench.clock.advance(15);
  answer();
  await bench.say("two");
  await moved.received(1);
  expect(moved.deliveries[0]?.text).toBe("two");
  expect(old.deliveries).toHaveLength(1);
});

test("a webhook lives at the host that the sandbox names, whatever that address is", async () => {
  const address = ownAddress();
  const certificate = makeCertificate({ cn: "x", san: `IP:${address}`, issuer: testAuthority() });
  const hook = await startReceiver(certificate, undefined, { address });
  atEnd(() => hook.close());
  const bench = await startBench();
  await bench.setWebhook({ url: `https://${address}:8443/webhook` });
  expect(await bench.info()).toMatchObject({ ip_address: address });
  await bench.say("hello");
  await hook.received(1);
});
