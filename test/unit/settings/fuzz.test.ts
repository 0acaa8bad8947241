import { rootCertificates } from "node:tls";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { parseBot } from "../../../settings/bot.ts";
import { checkEnvironments } from "../../../settings/environment.ts";
import { SettingsError } from "../../../settings/fault.ts";
import { parseStack } from "../../../settings/stack.ts";
import { loadFolders, settingsUrl } from "./load.ts";
import { CANARY_TEXT, CANARY_TOKEN, garble, mutate, oddValue } from "./mutations.ts";
import { Chance } from "./random.ts";

// Another seed each time finds more; a failure names its seed, and FUZZ_SEED brings it back.
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = 1000;

const authority = rootCertificates[0] ?? "";

const stack: Record<string, unknown> = {
  host: "root@203.0.113.5",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
  identityFile: "~/.ssh/id_ed25519",
  domain: "bots.example.com",
  timezone: "Europe/Berlin",
  network: { subnet: "10.213.0.0/20" },
  images: { nginx: "nginx:1.30.4", postgres: "postgres:18.6", certbot: "certbot/certbot:v5.5.0" },
  edge: {
    httpPort: 80,
    httpsPort: 443,
    allowFrom: ["telegram", "any", "203.0.113.0/24"],
    hsts: "includeSubDomains",
    page: "page.html",
  },
  certificate: {
    source: "acme",
    email: "me@example.com",
    directory: "https://ca.example.com/directory",
    staging: false,
    authority,
    extraDomains: ["www.example.com"],
    keyType: "rsa",
    profile: "tlsserver",
  },
  certificateKey: `-----BEGIN PRIVATE KEY-----\n${CANARY_TEXT}\n-----END PRIVATE KEY-----`,
  postgres: { maxConnections: 60, sharedBuffers: "128 MB", memory: "512 MB", loopbackPort: 5432 },
  telegram: { apiRoot: "https://api.telegram.org" },
};

const bot: Record<string, unknown> = {
  name: "hello",
  image: {
    ...{ build: "./hello", dockerfile: "Dockerfile", args: { TOKEN: CANARY_TEXT }, target: "runtime" },
    secrets: { npm: { env: "NPM_TOKEN" }, netrc: { file: "~/.netrc" } },
  },
  webhook: {
    port: 8080,
    path: "/webhook",
    maxConnections: 40,
    allowedUpdates: ["message"],
    registeredBy: "garden",
    rateLimit: { perSecond: 10, burst: 20 },
  },
  pages: { path: "/pay", port: 8081 },
  database: { connectionLimit: 5, statementTimeout: "30 seconds", idleInTransactionTimeout: "1 minute" },
  environment: () => ({ API_KEY: CANARY_TEXT }),
  secrets: { API_KEY_2: "apiKey" },
  volumes: { data: "/data" },
  memory: "256 MB",
  cpus: 1,
  processes: 256,
  health: { path: "/health", interval: "10 seconds", retries: 3 },
  beforeDeploy: { command: ["alembic", "upgrade", "head"], timeout: "5 minutes" },
  stopGrace: "30 seconds",
  user: "1000:1000",
};

/** The message of a refusal, or undefined if the settings passed; anything else that is thrown fails the test. */
function refusal(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw new Error(`seed ${seed}: something else than a SettingsError`, { cause: error });
  }
}

/** What every message must be. */
function judge(message: string, place: RegExp, round: number): void {
  const lines = message.split("\n");
  const faults = lines.length === 1 ? lines : lines.slice(1);
  const told = `seed ${seed}, round ${round}: ${message}`;
  for (const line of faults) expect(line.trim(), told).toMatch(place);
  expect(message, told).not.toContain(CANARY_TOKEN);
  expect(message, told).not.toContain(CANARY_TEXT);
  expect(message, told).not.toMatch(/^\s+at /m);
  expect(message, told).not.toMatch(/\[object|ZodError|node:internal|node_modules/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a message must not steer the terminal
  expect(message, told).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
}

/** The tree as Pulumi's configuration gives it: text by key, sections as JSON. */
function configured(tree: Record<string, unknown>, chance: Chance): Record<string, string> {
  const entries = Object.entries(tree).map(([key, value]): [string, string] => {
    const text = typeof value === "string" ? value : safeJson(value);
    // A garbled secret would have lost the shape by which it is known.
    const keep = text.includes(CANARY_TEXT) || text.includes(CANARY_TOKEN);
    return [key, !keep && chance.oneIn(20) ? garble(text, chance) : text];
  });
  return Object.fromEntries(entries);
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

test(`${ROUNDS} broken stack settings: a clear message or none (seed ${seed})`, () => {
  const chance = new Chance(seed);
  expect(refusal(() => parseStack(configured(stack, new Chance(1))))).toBeUndefined();
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const raw = configured(mutate(stack, chance), chance);
    const message = refusal(() => parseStack(raw));
    if (message === undefined) continue;
    refused++;
    judge(message, /^stack settings: botgarden:\S/, round);
  }
  expect(refused).toBeGreaterThan(ROUNDS / 3);
  expect(refused).toBeLessThan(ROUNDS);
});

test(`${ROUNDS} broken bots: a clear message or none (seed ${seed})`, () => {
  const chance = new Chance(seed + 1);
  const trial = {
    apiRoot: "https://api.telegram.org",
    timezone: "UTC",
    later: (text: string) => pulumi.output(text),
  };
  const origin = { file: "bots/fuzz.ts", defaultName: "fuzz" };
  const load = (definition: unknown): void => checkEnvironments([parseBot(definition, origin)], trial);
  expect(refusal(() => load(bot))).toBeUndefined();
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const definition = chance.oneIn(10) ? oddValue(chance) : mutate(bot, chance);
    const message = refusal(() => load(definition));
    if (message === undefined) continue;
    refused++;
    judge(message, /^bots\/fuzz\.ts: \S/, round);
  }
  expect(refused).toBeGreaterThan(ROUNDS / 3);
  expect(refused).toBeLessThan(ROUNDS);
});

test(`100 broken files: a clear message or none (seed ${seed})`, async () => {
  const chance = new Chance(seed + 2);
  const good = `import { defineBot } from "${settingsUrl}bot.ts";
const limits = { memory: "64 MB", cpus: 0.5 } as const;
export default defineBot({
  image: "ghcr.io/me/hello:1.2.0",
  webhook: { port: 8080 },
  environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql") }),
  ...limits,
});
`;
  const folders = Array.from({ length: 100 }, () => {
    let text = good;
    // Not twice if it got a secret, which would lose the shape by which it is known.
    for (let count = 1 + chance.below(3); count > 0 && !text.includes(CANARY_TEXT); count--) {
      text = garble(text, chance);
    }
    return { "fuzz.ts": text };
  });
  for (const [round, { names, message }] of (await loadFolders(folders)).entries()) {
    if (message === undefined) expect(names, `seed ${seed}, round ${round}`).toHaveLength(1);
    else judge(message, /^bots\/fuzz\.ts(?::\d+)?: \S/, round);
  }
});
