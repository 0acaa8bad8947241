import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  portFileOf,
  runsInBackground,
  startInBackground,
  stopInBackground,
} from "../../../sandbox/telegram/background.ts";
import { readPortFile } from "../../../sandbox/telegram/client.ts";
import { startTelegram } from "../../../sandbox/telegram/telegram.ts";
import { atEnd, readAnswer, startBench, startWebhook, testAuthority } from "./bench.ts";
import { status } from "./webhook-receiver.ts";

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "telegram-state-"));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("bots, webhooks, pending updates, chats and the clock survive a restart", async () => {
  const stateFile = join(ownFolder(), "state.json");
  const hook = await startWebhook(status(500));
  const options = { hosts: hook.hosts, stateFile, extraCa: testAuthority().file };
  const first = await startTelegram(options);
  const token = await first.addBot({ name: "rose" });
  const params = new URLSearchParams({
    url: hook.url,
    secret_token: "sesame",
    allowed_updates: '["message"]',
  });
  await readAnswer(fetch(`${first.apiUrl}/bot${token}/setWebhook?${params.toString()}`));
  const updateId = await first.send({ bot: "rose", text: "hello" });
  await hook.received(2);
  await first.advance({ seconds: 3600 });
  const time = first.clock.now();
  await first.close();
  expect(statSync(stateFile).mode & 0o777).toBe(0o600);

  hook.answer = status(200);
  const seen = hook.deliveries.length;
  const second = await startTelegram(options);
  atEnd(() => second.close());
  expect(second.clock.now()).toBeGreaterThanOrEqual(time);
  const delivery = (await hook.received(seen + 1))[seen];
  expect(delivery).toMatchObject({ updateId, text: "hello" });
  expect(delivery?.headers["x-telegram-bot-api-secret-token"]).toBe("sesame");
  const info = await readAnswer(fetch(`${second.apiUrl}/bot${token}/getWebhookInfo`));
  expect(info.body.result).toMatchObject({
    url: hook.url,
    allowed_updates: ["message"],
    ip_address: hook.address,
  });
  expect(await second.messages({ bot: "rose" })).toMatchObject([{ text: "hello", updateId }]);
  expect(await second.send({ bot: "rose", text: "next" })).toBe(updateId + 1);
});

test("the process starts, serves, writes its files, and ends on SIGTERM", async () => {
  const stateDir = join(ownFolder(), "telegram");
  const hook = await startWebhook();
  atEnd(() => stopInBackground(stateDir));
  const telegram = await startInBackground({ stateDir, hosts: hook.hosts, extraCa: testAuthority().file });
  expect(runsInBackground(stateDir)).toBe(true);
  const token = await telegram.addBot({ name: "rose" });
  await readAnswer(
    fetch(
      `${telegram.apiUrl}/bot${token}/setWebhook?url=${encodeURIComponent(hook.url)}&secret_token=sesame`,
    ),
  );
  await telegram.send({ bot: "rose", text: "hello" });
  await hook.received(1);
  const { pid, apiUrl } = readPortFile(portFileOf(stateDir));
  expect(apiUrl).toBe(telegram.apiUrl);
  expect(readFileSync(join(stateDir, "telegram.pid"), "utf8")).toBe(`${pid}\n`);
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  for (const file of ["telegram.json", "telegram.pid", "telegram.log", "state.json"]) {
    expect([file, statSync(join(stateDir, file)).mode & 0o777]).toEqual([file, 0o600]);
  }
  // Tokens and secrets stay out of the log.
  const log = readFileSync(join(stateDir, "telegram.log"), "utf8");
  expect(log).toMatch(/rose: webhook set/);
  expect(log).not.toContain(token);
  expect(log).not.toContain("sesame");

  await stopInBackground(stateDir);
  expect(runsInBackground(stateDir)).toBe(false);
  while (isProcess(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(() => readPortFile(portFileOf(stateDir))).toThrow(/doesn't run/);
  await stopInBackground(stateDir);

  const again = await startInBackground({ stateDir });
  // Bots that run know the old address.
  expect(again.apiUrl).toBe(telegram.apiUrl);
  expect(await again.bots()).toMatchObject([{ name: "rose", webhook: hook.url, hasSecret: true }]);
});

test("a process that was killed leaves a state that the next one takes up", async () => {
  const stateDir = ownFolder();
  atEnd(() => stopInBackground(stateDir));
  const first = await startInBackground({ stateDir });
  const token = await first.addBot({ name: "rose" });
  const { pid } = readPortFile(portFileOf(stateDir));
  const saved = (): boolean => readFileSync(join(stateDir, "state.json"), "utf8").includes(token);
  while (!saved()) await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill(pid, "SIGKILL");
  while (runsInBackground(stateDir)) await new Promise((resolve) => setTimeout(resolve, 20));
  const second = await startInBackground({ stateDir });
  expect(await second.addBot({ name: "rose" })).toBe(token);
});

test("what stops it from starting is told in one line", async () => {
  const folder = ownFolder();
  const stateFile = join(folder, "state.json");
  writeFileSync(stateFile, "{ broken");
  await expect(startTelegram({ stateFile })).rejects.toThrow(
    /^can't read the Telegram stand-in's state .*delete the file/,
  );
  const bench = await startBench();
  const apiPort = Number(new URL(bench.telegram.apiUrl).port);
  await expect(startTelegram({ apiPort })).rejects.toThrow(
    /can't listen on 127.0.0.1:\d+ \(Bot API\): the port is taken/,
  );
  await expect(startInBackground({ stateDir: join(folder, "busy"), apiPort })).rejects.toThrow(
    /^the Telegram stand-in didn't start: .*the port is taken; choose another one/,
  );
  await expect(startTelegram({ extraCa: stateFile })).rejects.toThrow(/holds no certificate in PEM form/);
});
