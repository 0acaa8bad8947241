import { describe, expect, test } from "vitest";
import { botHealthcheck, gateDeadline, goDuration } from "../../../components/bot/health.ts";
import type { BotDefinition } from "../../../settings/bot.ts";
import { botsOf } from "../support/bots.ts";

function bot(health: BotDefinition["health"]) {
  const [settings] = botsOf({
    sample: { image: "example/sample:1", ...(health === undefined ? {} : { health }) },
  });
  if (settings === undefined) throw new Error("no bot");
  return settings;
}

describe("times are written as Go writes them", () => {
  // time.Duration.String(): leading units that are zero are left out, later ones are not.
  test.for([
    [0, "0s"],
    [1, "1s"],
    [59, "59s"],
    [60, "1m0s"],
    [90, "1m30s"],
    [600, "10m0s"],
    [3599, "59m59s"],
    [3600, "1h0m0s"],
    [3661, "1h1m1s"],
    [7325, "2h2m5s"],
  ] as const)("%i seconds are %s", ([seconds, text]) => {
    expect(goDuration(seconds)).toBe(text);
  });
});

test("without a check the image's own counts", () => {
  expect(botHealthcheck(bot(undefined))).toBeUndefined();
});

test("a command runs as it is, without a shell", () => {
  const check = botHealthcheck(
    bot({
      command: ["python", "-m", "check", "it's $HOME"],
      interval: "2 minutes",
      timeout: "3 seconds",
      retries: 7,
      startPeriod: "1 hour",
    }),
  );
  expect(check).toEqual({
    tests: ["CMD", "python", "-m", "check", "it's $HOME"],
    interval: "2m0s",
    timeout: "3s",
    retries: 7,
    startPeriod: "1h0m0s",
  });
});

test("a path is asked for by a shell in the container", () => {
  const { tests } = botHealthcheck(bot({ path: "/health", port: 9999 })) as { tests: string[] };
  expect(tests).toHaveLength(2);
  expect(tests[0]).toBe("CMD-SHELL");
  expect(tests[1]).toContain("http://127.0.0.1:9999/health");
});

test("the gate outlasts the start and every attempt that Docker makes", () => {
  const settings = bot({
    path: "/",
    interval: "20 seconds",
    timeout: "4 seconds",
    retries: 5,
    startPeriod: "2 minutes",
  });
  expect(gateDeadline(settings)).toBeGreaterThanOrEqual(120 + 5 * (20 + 4));
  expect(gateDeadline(bot(undefined))).toBeGreaterThan(0);
});
