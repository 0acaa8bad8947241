import { cpSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkout } from "../../sandbox/lifecycle/checkout.ts";
import { setToken } from "../../sandbox/lifecycle/stack.ts";
import { Garden } from "./support/garden.ts";
import { changesOf } from "./support/plan.ts";

/** What must stay as it is while other bots come and go: names and start times of the containers. */
function untouched(garden: Garden): Promise<string> {
  return garden.onHost(
    "docker ps --filter label=botgarden.garden --format '{{.ID}} {{.Names}}' | grep -v ' second-' | sort; docker network ls -q --filter name=botgarden",
  );
}

describe("a bot is added and retired", () => {
  let garden: Garden;
  let token: string;
  const file = () => join(garden.project, "bots/second.ts");
  beforeAll(async () => {
    garden = await new Garden().planted();
    token = await garden.addToken("second");
  });
  afterAll(() => rmSync(file(), { force: true }));

  test("a new file creates only that bot's resources, while hello goes on answering", async () => {
    const before = await untouched(garden);
    cpSync(join(garden.project, "bots/hello.ts"), file());
    const changes = await changesOf(garden);
    expect(changes.length).toBeGreaterThan(5);
    for (const { op, urn } of changes) {
      expect(op, urn).toBe("create");
      expect(urn).toMatch(/::second(-|$)/);
    }
    await garden.telegram.reset({ countsOf: "hello" });
    const flood = await garden.telegram.flood({ bot: "hello", rate: 20, count: 200, chats: 4 });
    await garden.up();
    expect(await garden.ask("second", "/start", 5003)).toMatch(/1 message/);
    const report = await garden.telegram.floodReport({ id: flood, waitMs: 60_000 });
    expect(report).toMatchObject({ done: true, sent: 200, delivered: 200, retried: 0 });
    expect(await untouched(garden)).toBe(before);
  });

  test("the removed file takes exactly that bot away, and its data stays as a tried dump", async () => {
    const before = await untouched(garden);
    rmSync(file());
    const changes = await changesOf(garden);
    for (const { op, urn } of changes) {
      expect(op, urn).toBe("delete");
      expect(urn).toMatch(/::second(-|$)/);
    }
    await garden.up();
    await expectGone(garden);
    expect(await untouched(garden)).toBe(before);
    expect(await garden.ask("hello", "alone again", 5003)).toMatch(/message/);
    const [dump] = (await garden.onHost("ls /var/lib/botgarden/dumps/second/removed-*.dump")).split("\n");
    const list = await garden.onHost(
      `docker exec -i -u postgres botgarden-postgres pg_restore --list < ${dump}`,
    );
    expect(list).toMatch(/TABLE DATA/);
  });

  test("pulumi destroy --target retires a bot whose file is still there", async () => {
    cpSync(join(garden.project, "bots/hello.ts"), file());
    await garden.up();
    const { code, output } = await garden.pulumi(
      "destroy",
      "--yes",
      "--skip-preview",
      "--target",
      "**second*",
      // The edge's last step waits for every webhook, so it goes too; it removes nothing, and the next `up` repeats it.
      "--target-dependents",
    );
    expect(code, output).toBe(0);
    await expectGone(garden);
    expect(await garden.ask("hello", "and again", 5003)).toMatch(/message/);
    rmSync(file());
    await garden.up();
  });

  test("a bot that gets another name has its webhook still", async () => {
    cpSync(join(garden.project, "bots/hello.ts"), file());
    await garden.up();
    const renamed = join(garden.project, "bots/third.ts");
    renameSync(file(), renamed);
    await setToken(garden.state, "third", token);
    try {
      expect((await garden.up()).output).toContain("has another webhook for its token by now, which stays");
      const bot = (await garden.telegram.bots()).find(({ name }) => name === "second");
      expect(bot?.webhook).toBe(`https://${garden.state.domain}/webhook/third`);
      expect(await garden.ask("second", "who are you now?", 5005)).toMatch(/message/);
    } finally {
      rmSync(renamed);
      await garden.up();
    }
    await expectGone(garden);
  });

  test("with the token of another bot, the former one's webhook goes; with a new one of its own it stays", async () => {
    cpSync(join(garden.project, "bots/hello.ts"), file());
    await garden.up();
    try {
      await setToken(garden.state, "second", await garden.telegram.addBot({ name: "other" }));
      expect(await changesOf(garden)).toContainEqual(
        expect.objectContaining({ op: "replace", urn: expect.stringMatching(/::second-webhook$/) }),
      );
      await garden.up();
      expect(await webhooks(garden)).toMatchObject({
        second: "",
        other: `https://${garden.state.domain}/webhook/second`,
      });
      expect(await garden.ask("other", "whose are you?", 5006)).toMatch(/message/);
      expect(await changesOf(garden)).toEqual([]);

      await setToken(garden.state, "second", await garden.telegram.renewToken({ bot: "other" }));
      expect(await changesOf(garden)).toContainEqual(
        expect.objectContaining({ op: "update", urn: expect.stringMatching(/::second-webhook$/) }),
      );
      await garden.up();
      expect(await garden.ask("other", "and now?", 5006)).toMatch(/message/);
    } finally {
      rmSync(file());
      await garden.up();
      await setToken(garden.state, "second", token);
    }
    expect(await webhooks(garden)).toMatchObject({ second: "", other: "" });
  });

  test("a bot that polls is answered too, and has no route", async () => {
    cpSync(join(checkout, "test/e2e/fixtures/polling"), join(garden.project, "bots/polling"), {
      recursive: true,
    });
    writeFileSync(file(), pollingBot);
    await garden.up();
    expect(await garden.ask("second", "are you polling?", 5004)).toBe("polled: are you polling?");
    expect(await garden.onHost("ls /etc/botgarden/edge/current/routes")).not.toContain("second");
    rmSync(file());
    await garden.up();
  });
});

/** Python's own library is enough to poll; its image has nothing else. */
const pollingBot = `
import { defineBot } from "../settings/bot.ts";
export default defineBot({
  image: { build: "./polling" },
  polling: true,
  database: false,
  volumes: { data: "/data" },
});
`;

/** What Telegram has, by the bot's name there. */
async function webhooks(garden: Garden): Promise<Record<string, string>> {
  return Object.fromEntries((await garden.telegram.bots()).map(({ name, webhook }) => [name, webhook]));
}

async function expectGone(garden: Garden): Promise<void> {
  const second = (await garden.telegram.bots()).find(({ name }) => name === "second");
  expect(second?.webhook).toBe("");
  expect(await garden.onHost("docker ps -aq --filter label=botgarden.bot=second")).toBe("");
  expect(await garden.onHost("ls /etc/botgarden/edge/current/routes")).not.toContain("second");
  const inPostgres = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles";
  const names = await garden.onHost(
    `docker exec -u postgres botgarden-postgres psql -Atd postgres -c '${inPostgres}'`,
  );
  expect(names.split("\n")).toContain("hello");
  expect(names.split("\n")).not.toContain("second");
}
