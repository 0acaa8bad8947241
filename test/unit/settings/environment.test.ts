import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { defineBot, parseBot } from "../../../settings/bot.ts";
import {
  botContext,
  checkEnvironments,
  environmentOf,
  STANDARD_ENVIRONMENT,
} from "../../../settings/environment.ts";

const trial = {
  apiRoot: "https://api.telegram.org",
  timezone: "UTC",
  later: (text: string) => pulumi.output(text),
};

function bot(definition: object) {
  return parseBot({ image: "a:1", ...definition }, { file: "bots/hello.ts", defaultName: "hello" });
}

test("gives what the function gives", () => {
  const { environment } = defineBot({
    image: "a:1",
    environment: ({ name, database, webhook, telegram, timezone }) => ({
      WHO: name,
      DATABASE_URL: database.url("postgresql+asyncpg"),
      URL: webhook.url,
      ROOT: telegram.apiRoot,
      ZONE: timezone,
    }),
  });
  const url = pulumi.output("the url");
  const context = botContext("bots/hello.ts", {
    name: "hello",
    database: { host: "h", port: 1, name: "hello", user: "hello", password: url, url: () => url },
    webhook: { base: "https://a/webhook", url: "https://a/webhook/hello", secret: url, port: 1, path: "/" },
    telegram: { apiRoot: trial.apiRoot },
    timezone: "UTC",
  });
  const hello = bot({ environment });
  expect(environmentOf(hello, context)).toEqual({
    WHO: "hello",
    DATABASE_URL: url,
    URL: "https://a/webhook/hello",
    ROOT: "https://api.telegram.org",
    ZONE: "UTC",
  });
  expect(() => checkEnvironments([hello], trial)).not.toThrow();
});

test.for<[string, object, string]>([
  [
    "a bot without a database that uses it",
    {
      database: false,
      environment: (c: { database: { url(s: string): string } }) => ({ URL: c.database.url("x") }),
    },
    "environment: uses the database, but the bot has database: false. Remove database: false, or don't use it.",
  ],
  [
    "a bot that polls and uses the webhook",
    { polling: true, environment: (c: { webhook: { url: string } }) => ({ URL: c.webhook.url }) },
    "environment: uses the webhook, but the bot has polling: true. Remove polling: true, or don't use it.",
  ],
  [
    "a function that throws",
    { environment: () => JSON.parse("{") },
    "environment: fails: SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2). Correct the function in bots/hello.ts.",
  ],
  [
    "a function that throws a secret",
    {
      environment: () => {
        throw new Error("123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
      },
    },
    "environment: fails: a hidden value was thrown. Correct the function in bots/hello.ts.",
  ],
  [
    "a function that gives nothing",
    { environment: () => undefined },
    'environment: gives the wrong thing, got nothing, must be an object of variables. For example: environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql") }).',
  ],
  [
    "an async function",
    { environment: async () => ({}) },
    'environment: gives the wrong thing, got a promise or Output, must be an object of variables. For example: environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql") }).',
  ],
  [
    "a number",
    { environment: () => ({ RETRIES: 5 }) },
    "environment.RETRIES: is of the wrong type, got a number, must be text, or an Output of text.",
  ],
  [
    "nothing for a variable",
    { environment: () => ({ MODE: undefined }) },
    "environment.MODE: is of the wrong type, got nothing, must be text, or an Output of text.",
  ],
  [
    "a bad name",
    { environment: () => ({ "api-key": "hunter2" }) },
    "environment.api-key: is not the name of an environment variable. Names are upper-case letters, digits and underscores, for example WEATHER_KEY.",
  ],
  [
    "a name that is also a secret",
    { secrets: { KEY: "key" }, environment: () => ({ KEY: "hunter2" }) },
    "environment.KEY: is also in secrets. Give it in one of the two.",
  ],
  ...[...STANDARD_ENVIRONMENT.keys()].map((name): [string, object, string] => [
    name,
    { environment: () => ({ [name]: "x" }) },
    `environment.${name}: is a variable that the garden sets itself. Choose another name.`,
  ]),
])("refuses %s", ([, definition, expected]) => {
  expect(() => checkEnvironments([bot(definition)], trial)).toThrow(`bots/hello.ts: ${expected}`);
});

test("lists the faults of all bots", () => {
  const bad = bot({ environment: () => ({ TZ: "x" }) });
  expect(() => checkEnvironments([bad, { ...bad, file: "bots/other.ts" }], trial)).toThrow(
    /bots\/hello.*\n.*bots\/other/,
  );
});

test("a bot without the function adds nothing", () => {
  const context = botContext("bots/hello.ts", { name: "hello", timezone: "UTC", telegram: { apiRoot: "x" } });
  expect(environmentOf(bot({}), context)).toEqual({});
});
