import { expect, test } from "vitest";
import { type ApiAnswer, readAnswer, startBench } from "./bench.ts";

test("getMe tells who the bot is, by GET and POST and in any case", async () => {
  const bench = await startBench();
  const id = Number(bench.token.split(":")[0]);
  expect(bench.token).toMatch(/^\d{8,}:[A-Za-z0-9_-]{35}$/);
  for (const method of ["getMe", "getme", "GETME"]) {
    const answer = await readAnswer(fetch(`${bench.telegram.apiUrl}/bot${bench.token}/${method}`));
    expect(answer.body.result).toMatchObject({ id, is_bot: true, first_name: "rose", username: "rose_bot" });
  }
});

test("wrong tokens, methods and paths get Telegram's own errors", async () => {
  const bench = await startBench();
  const get = (path: string): Promise<ApiAnswer> => readAnswer(fetch(`${bench.telegram.apiUrl}${path}`));
  const cases: [string, number, string][] = [
    [`/bot${bench.token.replace(/.$/, "!")}/getMe`, 401, "Unauthorized"],
    ["/bot123:abc/getMe", 401, "Unauthorized"],
    ["/botnonsense/getMe", 401, "Unauthorized: invalid token specified"],
    [`/bot${bench.token}/getNothing`, 404, "Not Found"],
    [`/bot${bench.token}`, 404, "Not Found"],
    ["/", 404, "Not Found"],
  ];
  for (const [path, code, description] of cases) {
    expect(await get(path)).toMatchObject({
      status: code,
      body: { ok: false, error_code: code, description },
    });
  }
});

const refusals: [string, Record<string, unknown>, string][] = [
  ["sendMessage", { text: "x" }, "chat_id is empty"],
  ["sendMessage", { chat_id: 999, text: "x" }, "chat not found"],
  ["sendMessage", { chat_id: 1_000_001 }, "message text is empty"],
  ["sendMessage", { chat_id: 1_000_001, text: "x".repeat(4097) }, "message is too long"],
  ["sendMessage", { chat_id: 1_000_001, text: "x", parse_mode: "XML" }, "unsupported parse_mode"],
  [
    "sendMessage",
    { chat_id: 1_000_001, text: "x", reply_parameters: { message_id: 99 } },
    "message to be replied not found",
  ],
  ["editMessageText", { chat_id: 1_000_001, message_id: 99, text: "x" }, "message to edit not found"],
  ["editMessageText", { chat_id: 1_000_001, message_id: 1, text: "x" }, "message can't be edited"],
  ["sendChatAction", { chat_id: 1_000_001, action: "dancing" }, "wrong parameter action in request"],
  ["answerCallbackQuery", {}, "query is too old and response timeout expired or query ID is invalid"],
  ["setMyCommands", { commands: "{" }, "can't parse commands JSON object"],
  ["setMyCommands", { commands: [{ command: "Bad Name", description: "x" }] }, "BOT_COMMAND_INVALID"],
];
test.for(refusals)("%s %j: %s", async ([method, params, description]) => {
  const bench = await startBench();
  await bench.say("hello");
  expect(await bench.call(method, params)).toMatchObject({
    status: 400,
    body: { ok: false, error_code: 400, description: `Bad Request: ${description}` },
  });
});

test("a bot sends, replies, edits and deletes", async () => {
  const bench = await startBench();
  await bench.say("/start now");
  const [asked] = await bench.telegram.messages({ bot: "rose" });
  const keyboard = { inline_keyboard: [[{ text: "More", callback_data: "more" }]] };
  const sent = await bench.call("sendMessage", {
    chat_id: 1_000_001,
    text: "<b>Hello</b>, <i>Ada</i> &amp; all",
    parse_mode: "HTML",
    reply_parameters: { message_id: asked?.messageId },
    reply_markup: keyboard,
  });
  const message = sent.body.result as { message_id: number };
  expect(message).toMatchObject({
    text: "Hello, Ada & all",
    chat: { id: 1_000_001, type: "private", first_name: "Ada" },
    date: bench.clock.unixTime(),
    reply_markup: keyboard,
    reply_to_message: { text: "/start now", entities: [{ type: "bot_command", offset: 0, length: 6 }] },
  });
  const target = { chat_id: 1_000_001, message_id: message.message_id };
  expect((await bench.call("editMessageText", { ...target, text: "Bye" })).body.result).toMatchObject({
    text: "Bye",
  });
  expect((await bench.call("editMessageText", { ...target, text: "Bye" })).body.description).toMatch(
    /message is not modified/,
  );
  expect(await bench.telegram.messages({ bot: "rose" })).toMatchObject([
    { from: "person" },
    { from: "bot", text: "Bye" },
  ]);
  expect((await bench.call("deleteMessage", target)).body.result).toBe(true);
  expect(await bench.telegram.messages({ bot: "rose" })).toHaveLength(1);
});

test("commands are kept by scope and language", async () => {
  const bench = await startBench();
  const commands = [{ command: "start", description: "Begin" }];
  const scope = { type: "all_private_chats" };
  expect((await bench.call("setMyCommands", { commands, scope })).body.result).toBe(true);
  expect((await bench.call("getMyCommands", { scope })).body.result).toEqual(commands);
  expect((await bench.call("getMyCommands")).body.result).toEqual([]);
  expect((await bench.call("deleteMyCommands", { scope })).body.result).toBe(true);
  expect((await bench.call("getMyCommands", { scope })).body.result).toEqual([]);
});

test("getChat, sendChatAction and answerCallbackQuery answer as usual", async () => {
  const bench = await startBench();
  await bench.telegram.send({
    bot: "rose",
    chat: -100_123,
    from: { id: 7, firstName: "Bob", username: "bob" },
    text: "hi",
  });
  expect((await bench.call("getChat", { chat_id: -100_123 })).body.result).toMatchObject({
    id: -100_123,
    type: "group",
  });
  expect((await bench.call("sendChatAction", { chat_id: -100_123, action: "typing" })).body.result).toBe(
    true,
  );
  expect((await bench.call("answerCallbackQuery", { callback_query_id: "42" })).body.result).toBe(true);
});

test("close and logOut are refused and change nothing", async () => {
  const bench = await startBench();
  expect(await bench.call("close")).toMatchObject({
    status: 429,
    body: { parameters: { retry_after: 600 } },
  });
  expect((await bench.call("logOut")).status).toBe(400);
  expect((await bench.call("getMe")).status).toBe(200);
});

test("a broken form gets 400, a broken JSON body counts as empty", async () => {
  const bench = await startBench();
  const url = `${bench.telegram.apiUrl}/bot${bench.token}/sendMessage`;
  const post = (type: string, body: string): Promise<ApiAnswer> =>
    readAnswer(fetch(url, { method: "POST", headers: { "Content-Type": type }, body }));
  expect((await post("multipart/form-data; boundary=x", "--x\r\nno end")).status).toBe(400);
  expect((await post("multipart/form-data", "--x--")).body.description).toBe(
    "Bad Request: boundary not found",
  );
  expect((await post("application/json", "{")).body.description).toBe("Bad Request: chat_id is empty");
});
