/** What a person sees of the status. */
import { expect, test } from "vitest";
import { judge } from "../../../operations/judge.ts";
import { reportLines } from "../../../operations/report.ts";
import { statusOf } from "../../../operations/status-of.ts";
import { painter, table } from "../../../operations/table.ts";
import { duration, share, size } from "../../../operations/words.ts";
import { ago, answer, container, core, garden, now } from "./garden-facts.ts";

const plain = painter({ isTTY: false }, {});

function report(changes: Parameters<typeof garden>[0] = {}, paint = plain): string[] {
  const status = statusOf(garden(changes), "root@203.0.113.5");
  return reportLines(status, judge(status), paint);
}

test("a garden that fares well, on one screen", () => {
  expect(report()).toEqual([
    "bot    release        since   health   restarts  memory         webhook  waiting  last error  database  connections",
    "─────  ─────────────  ──────  ───────  ────────  ─────────────  ───────  ───────  ──────────  ────────  ───────────",
    "hello  hello-0a1b2c3  3 days  healthy  0         100 of 256 MB  right    0        none        8.0 MB    2 of 5",
    "",
    "edge         healthy, up for 2 h, 7.0 of 256 MB",
    "certificate  from CN=YE1, O=Let's Encrypt, good for 60 days, until 2027-01-20T12:00:00.000Z",
    "postgres     18.6, healthy, up for 2 h, 60 of 256 MB, 4 of 60 connections",
    "certbot      running, up for 2 h",
    "disk         / 50 % full, 37 GB left",
    "host         root@203.0.113.5, 1.0 of 4.0 GB of memory left, Docker 26.1.5",
    "",
    "all is well",
  ]);
});

test("what is wrong stands at the end, in words and with what to do", () => {
  const stopped = container({ state: "exited", exitCode: 1, finished: ago(60) });
  const lines = report({ containers: [stopped, core("edge"), core("postgres"), core("certbot")], usage: {} });
  expect(lines[2]).toMatch(/^hello {2}hello-0a1b2c3 {2}3 days {2}exited /);
  expect(lines.slice(-3)).toEqual([
    "one thing is wrong:",
    "  hello: does not run (exited with code 1, 1 min ago)",
    "    npm run logs -- hello shows why. To start it as it was: pulumi refresh, then pulumi up.",
  ]);
});

test("bots stand in the order in which people count", () => {
  const bots = ["bot10", "bot9"].map((bot) => container({ bot, name: `${bot}-x` }));
  const lines = report({
    containers: [...bots, core("edge"), core("postgres"), core("certbot")],
    routes: {},
  });
  expect(lines.slice(2, 4).map((line) => line.split(" ")[0])).toEqual(["bot9", "bot10"]);
});

test("a bot that polls, and one that is held", () => {
  const row = (changes: Parameters<typeof garden>[0]) => report(changes)[2];
  const polling = [
    container({ webhookUrl: null, wantsDatabase: false }),
    core("edge"),
    core("postgres"),
    core("certbot"),
  ];
  expect(row({ containers: polling, routes: {}, webhooks: { hello: answer({ url: "" }) } })).toMatch(
    / polls /,
  );
  expect(row({ paused: ["hello"], webhooks: { hello: answer({ pending_update_count: 12 }) } })).toMatch(
    / paused {3}12 /,
  );
});

test("what is held on purpose is told, though nothing is wrong", () => {
  const stopped = container({ webhookUrl: null, state: "exited" });
  const facts = {
    containers: [stopped, core("edge"), core("postgres"), core("certbot")],
    routes: {},
    paused: ["hello"],
    webhooks: { hello: answer({ url: "", pending_update_count: 1200 }) },
  };
  const status = statusOf(garden(facts), "root@203.0.113.5");
  const lines = reportLines(status, judge(status), plain, { shop: `sha256:${"1".repeat(64)}` });
  expect(lines[2]).toMatch(/ held .* paused {3}1200 /);
  expect(lines.slice(-4)).toEqual([
    "",
    "hello is paused. To end it: npm run resume -- hello",
    "shop is pinned to sha256:111111111111. When its code is right: pulumi config rm --path 'botgarden:pins.shop' && pulumi up",
    "all is well",
  ]);
});

test("nothing that comes from outside reaches the terminal as it is", () => {
  const evil = "\u001b]0;title\u0007\u202e\nall is well";
  const lines = report({
    webhooks: {
      hello: answer({
        last_error_date: Date.parse(now) / 1000 - 5,
        last_error_message: evil,
        url: `https://x/${evil}`,
      }),
    },
    images: { "sha256:2222": evil },
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

test("colours are for terminals only, and never move a column", () => {
  const colours = painter({ isTTY: true }, {});
  expect(report({}, colours).join("\n")).toContain("\u001b[32mhealthy\u001b[0m");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's colour code.
  const bare = report({}, colours).map((line) => line.replaceAll(/\u001b\[\d+m/g, ""));
  expect(bare).toEqual(report());
  for (const paint of [
    plain,
    painter({ isTTY: true }, { NO_COLOR: "1" }),
    painter({ isTTY: true }, { TERM: "dumb" }),
  ]) {
    expect(paint("x", "bad")).toBe("x");
  }
});

test("a table of cells, with and without colour", () => {
  const rows = [
    ["a", "b"],
    [{ text: "long", tone: "bad" as const }, ""],
  ];
  expect(table(rows, (text) => `<${text}>`)).toEqual(["a     b", "────  ─", "<long>"]);
});

test.each([
  [59.9, "59 s"],
  [60, "1 min"],
  [3599, "59 min"],
  [47 * 3600, "47 h"],
  [48 * 3600, "2 days"],
  [-5, "0 s"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [8 * 2 ** 20, "8.0 MB"],
  [70 * 2 ** 30, "70 GB"],
  [5000 * 2 ** 40, "5000 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test("a part and its whole share a unit if they can", () => {
  expect(share(100 * 2 ** 20, 256 * 2 ** 20)).toBe("100 of 256 MB");
  expect(share(400 * 2 ** 10, 64 * 2 ** 20)).toBe("400 kB of 64 MB");
});
