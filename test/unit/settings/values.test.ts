import { expect, test } from "vitest";
import { parseSeconds } from "../../../settings/duration.ts";
import { parseHost } from "../../../settings/host.ts";
import { imageProblem } from "../../../settings/image.ts";
import { checkLimits } from "../../../settings/limits.ts";
import { nameProblem, RESERVED_NAMES, volumeName } from "../../../settings/names.ts";
import { networkOf, subnetProblem } from "../../../settings/network.ts";
import { closest, shown, shownPath } from "../../../settings/shown.ts";
import { parseMegabytes } from "../../../settings/size.ts";
import { checkToken, missingToken, plainSecret, plainToken } from "../../../settings/token.ts";

const token = "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

test.for([
  ["256 MB", 256],
  ["1 GB", 1024],
  ["1.5 GB", 1536],
  ["1GB", 1024],
  ["0.3 GB", undefined],
  ["-1 MB", undefined],
  ["1 KB", undefined],
  ["1e3 MB", undefined],
  ["256", undefined],
  ["", undefined],
] as const)("the size %j is %j MB", ([text, expected]) => {
  expect(parseMegabytes(text)).toBe(expected);
});

test.for([
  ["1 second", 1],
  ["30 seconds", 30],
  ["5 minutes", 300],
  ["2 hours", 7200],
  ["1.5 minutes", undefined],
  ["30 s", undefined],
  ["30", undefined],
  ["-5 seconds", undefined],
] as const)("the time %j is %j s", ([text, expected]) => {
  expect(parseSeconds(text)).toBe(expected);
});

test.for([
  ["local", { kind: "local" }],
  ["203.0.113.5", { kind: "ssh", user: "root", address: "203.0.113.5", port: 22 }],
  [
    "deploy@garden.example.com:2222",
    { kind: "ssh", user: "deploy", address: "garden.example.com", port: 2222 },
  ],
  ["my_vps", { kind: "ssh", user: "root", address: "my_vps", port: 22 }],
  ["me@[2001:db8::1]:2222", { kind: "ssh", user: "me", address: "2001:db8::1", port: 2222 }],
  ["[2001:db8::1]", { kind: "ssh", user: "root", address: "2001:db8::1", port: 22 }],
  ["[203.0.113.5]", "has something else than an IPv6 address in brackets"],
  ["", "is not an address"],
  ["a b", "is not an address"],
  ["a:ssh", "is not an address"],
  ["-a", "is not an address"],
  ["-x@a", "has a user name that is not allowed"],
  ["a:0", "has a port that is not allowed"],
  ["1.2.3", "is not a valid IPv4 address"],
] as const)("the host %j is %j", ([text, expected]) => {
  expect(parseHost(text)).toEqual(expected);
});

test.for(["10.0.0.0/16", "10.255.255.0/24", "172.16.0.0/16", "172.31.240.0/20", "192.168.255.0/24"])(
  "the subnet %s fits, and its dynamic half holds no fixed address",
  (subnet) => {
    expect(subnetProblem(subnet)).toBeUndefined();
    const { ipRange, gateway, addresses } = networkOf(subnet);
    const number = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const [start = "", size] = ipRange.split("/");
    expect(number(start) - number(subnet.split("/")[0] ?? "")).toBe(2 ** (32 - Number(size)));
    for (const address of [gateway, ...Object.values(addresses)]) {
      expect(number(address)).toBeLessThan(number(start));
    }
    expect(new Set([gateway, ...Object.values(addresses)]).size).toBe(4);
  },
);

test.for([
  "11.0.0.0/16",
  "172.32.0.0/16",
  "192.169.0.0/16",
  "10.0.0.0/8",
  "172.17.0.0/16",
  "010.0.0.0.0/16",
  "10.0.0/16",
])("the subnet %s doesn't fit", (subnet) => {
  expect(subnetProblem(subnet)).toBeDefined();
});

test.for([
  ["nginx:1.25-alpine", undefined],
  ["containrrr/watchtower:1.7.1", undefined],
  [`a@sha256:${"0".repeat(64)}`, undefined],
  [`a:latest@sha256:${"0".repeat(64)}`, undefined],
  ["localhost:5000/a", "has no tag"],
  ["A:1", "is not an image reference"],
  ["a:1 --privileged", "is not an image reference"],
  ["a@sha256:12", "is not an image reference"],
] as const)("the image %s: %s", ([text, expected]) => {
  expect(imageProblem(text)).toBe(expected);
});

test("a name fits Postgres, DNS and Docker, and reserved ones are well-formed names", () => {
  for (const name of ["ab", "hello", "my-bot-2", "x9", "a".repeat(32)])
    expect(nameProblem(name)).toBeUndefined();
  for (const name of ["1a", "-a", "a_b", "Hello", "héllo", "a b", 'a"b', "a;b", ""]) {
    expect(nameProblem(name)).toBeDefined();
  }
  for (const [name, reason] of RESERVED_NAMES)
    expect(nameProblem(name)).toBe(`is reserved, because ${reason}`);
  expect(volumeName("hello", "data")).toBe("botgarden-hello-data");
});

test("the token's form is checked, and never shown", () => {
  expect(checkToken("hello", token)).toBeUndefined();
  const expected =
    "hello:token is not a bot's token, must be the bot's id, a colon and the secret, like \"123456789:AA…\". Set it with: pulumi config set --secret hello:token <token from @BotFather>";
  for (const wrong of [token.slice(0, 20), token.replace(":", ";"), `${token}\u00e9`, "", "hunter2"]) {
    expect(checkToken("hello", wrong)).toBe(expected);
  }
  expect(checkToken("hello", `${token}\n`)).toContain("has a space or a line's end around it");
});

test("a missing and a plain secret are named with what to do", () => {
  expect(missingToken("hello")).toBe(
    "hello:token is missing. Set it with: pulumi config set --secret hello:token <token from @BotFather>",
  );
  expect(plainToken("hello")).toBe(
    "hello:token was set without --secret and can be read in the stack's file. Set it with: pulumi config set --secret hello:token <token from @BotFather> If the file was shared, let @BotFather revoke the token first.",
  );
  expect(plainSecret("hello", "weatherKey").fix).toBe(
    "Set it with: pulumi config set --secret hello:weatherKey <value>",
  );
});

test("the bots' connections must fit into Postgres's", () => {
  const bot = (name: string, connectionLimit: number) => ({
    name,
    database: { connectionLimit, statementTimeoutSeconds: 1, idleInTransactionTimeoutSeconds: 1 },
  });
  const bots = [bot("a1", 20), bot("b1", 30), { name: "without" }];
  expect(() => checkLimits(bots, 60)).not.toThrow();
  expect(() => checkLimits(bots, 59)).toThrow(
    "stack settings: botgarden:postgres.maxConnections: is too small for the bots: they may open 50 connections (b1 30, a1 20) and 10 are kept for backups and administration, got 59, must be at least 60. Set it with: pulumi config set --path botgarden:postgres.maxConnections 60, or lower database.connectionLimit in bots/.",
  );
});

test("a message shows values shortly, on one line, and no secret", () => {
  expect(shown("a\nb\u001b[31m")).toBe('"a\\nb\\u001b[31m"');
  expect(shown("x".repeat(100))).toBe(`"${"x".repeat(60)}…"`);
  for (const secret of [token, "https://me:hunter2@example.com", "root:hunter2@203.0.113.5"]) {
    expect(shown(secret)).toBe("a hidden value");
  }
  expect(shown("a:1@sha256:12")).toBe('"a:1@sha256:12"');
  expect(shown({ password: "hunter2" })).toBe("an object");
  expect(shownPath(["secrets", "api key"])).toBe('secrets["api key"]');
  expect(shownPath(["secrets", token])).toBe("secrets[a hidden value]");
});

test("a mistyped word has a nearest one, if it is near", () => {
  expect(closest("webhok", ["webhook", "polling"])).toBe("webhook");
  expect(closest("HTTPSPORT", ["httpPort", "httpsPort"])).toBe("httpsPort");
  expect(closest("colour", ["webhook", "polling"])).toBeUndefined();
});
