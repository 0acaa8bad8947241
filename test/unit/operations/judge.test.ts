/** What `npm run status` calls wrong, and what it does not. */
import { describe, expect, test } from "vitest";
import type { CertificateFacts, GardenFacts, WebhookInfo } from "../../../operations/facts.ts";
import { judge } from "../../../operations/judge.ts";
import { statusOf } from "../../../operations/status-of.ts";
import { ago, answer, certificate, container, core, garden, now } from "./garden-facts.ts";

/** `NAME: what is wrong` for each problem. */
function wrong(changes: Partial<GardenFacts>): string[] {
  return judge(statusOf(garden(changes), "root@203.0.113.5")).map(({ about, text }) => `${about}: ${text}`);
}

function unixTime(moment: string): number {
  return Date.parse(moment) / 1000;
}

/** The garden's other containers beside a changed one of hello. */
function withHello(changes: Parameters<typeof container>[0]): Partial<GardenFacts> {
  return { containers: [container(changes), core("edge"), core("postgres"), core("certbot")] };
}

const withWebhook = (changes: Partial<WebhookInfo>) => ({ webhooks: { hello: answer(changes) } });
const withCertificate = (changes: Partial<CertificateFacts>) => ({ certificate: certificate(changes) });
const day = 86_400;

test("nothing is wrong with a garden that fares well", () => {
  expect(wrong({})).toEqual([]);
});

test("a host without a garden says so, once", () => {
  expect(wrong({ containers: [], routes: {}, webhooks: {}, postgres: null, certificate: null })).toEqual([
    "host: there is no garden on it",
  ]);
});

test("every problem says what to do", () => {
  const problems = judge(
    statusOf(
      garden({
        ...withHello({ health: "unhealthy", restarts: 3, started: ago(5) }),
        disks: [{ mount: "/", size: 80e9, available: 1e9, usedPercent: 99, inodesPercent: 99 }],
        certificate: certificate({ served: "other", notAfter: ago(-day) }),
      }),
      "host",
    ),
  );
  expect(problems).toHaveLength(6);
  for (const { next } of problems) expect(next).toMatch(/npm run logs|pulumi up|docker/);
});

describe("a bot's container", () => {
  test("that ended, with its exit code and how long ago", () => {
    expect(wrong(withHello({ state: "exited", exitCode: 137, finished: ago(180) }))).toEqual([
      "hello: does not run (exited with code 137, 3 min ago)",
    ]);
  });

  test("that ends again and again", () => {
    expect(wrong(withHello({ state: "restarting", exitCode: 1, restarts: 12, finished: ago(3) }))).toEqual([
      "hello: ends as soon as it is started (exit code 1, 12 times so far)",
    ]);
  });

  test("that was started again lately; one that was long ago is well", () => {
    expect(wrong(withHello({ restarts: 1, started: ago(599) }))).toEqual([
      "hello: ended and was started again, 1 time so far, last 9 min ago",
    ]);
    expect(wrong(withHello({ restarts: 7, started: ago(601) }))).toEqual([]);
    expect(wrong(withHello({ restarts: 0, started: ago(5) }))).toEqual([]);
  });

  test("that ran out of memory, and that nearly does", () => {
    expect(wrong(withHello({ outOfMemory: true, restarts: 1, started: ago(60) }))[0]).toBe(
      "hello: was ended for want of memory (limit 256 MB) and started again, 1 time so far, last 1 min ago",
    );
    expect(wrong({ usage: { "hello-0a1b2c3": 0.91 * 256 * 2 ** 20 } })).toEqual([
      "hello: takes 233 of 256 MB of memory that it may have",
    ]);
    expect(wrong({ usage: { "hello-0a1b2c3": 0.89 * 256 * 2 ** 20 } })).toEqual([]);
  });

  test("whose health check fails; one that still starts is well", () => {
    expect(wrong(withHello({ health: "unhealthy" }))).toEqual(["hello: its health check fails"]);
    expect(wrong(withHello({ health: "starting" }))).toEqual([]);
  });

  test("that is gone while the route is there", () => {
    expect(wrong({ containers: [core("edge"), core("postgres"), core("certbot")] })).toContain(
      "hello: has a route but no container",
    );
  });
});

describe("a bot's releases", () => {
  const old = container();
  const newer = (state: string) =>
    container({ name: "hello-9f9f9f9", state, created: ago(60), serving: false, started: ago(59) });
  const rest = [core("edge"), core("postgres"), core("certbot")];

  test("one that failed its gate is told; one under way is not", () => {
    expect(wrong({ containers: [old, newer("exited"), ...rest] })).toEqual([
      "hello: the release hello-9f9f9f9 failed its gate (exited); hello-0a1b2c3 still serves",
    ]);
    for (const state of ["created", "running"]) {
      expect(wrong({ containers: [old, newer(state), ...rest] })).toEqual([]);
    }
  });

  test("a stopped older one is nothing", () => {
    const older = container({
      name: "hello-0000000",
      state: "exited",
      created: ago(9 * day),
      serving: false,
    });
    expect(wrong({ containers: [old, older, ...rest] })).toEqual([]);
  });

  test("a webhook bot without a route, or with a route elsewhere", () => {
    expect(wrong({ routes: {} })).toEqual(["hello: has no route at the edge, so its updates are refused"]);
    expect(wrong({ routes: { hello: "hello-gone" } })).toEqual([
      "hello: its route leads to hello-gone, which is not there",
    ]);
  });
});

describe("a webhook", () => {
  test("that is missing or another's", () => {
    expect(wrong(withWebhook({ url: "" }))).toEqual([
      "hello: Telegram has no webhook instead of https://bots.example.com/webhook/hello",
    ]);
    expect(wrong(withWebhook({ url: "https://evil.example/" }))).toEqual([
      "hello: Telegram has the webhook https://evil.example/ instead of https://bots.example.com/webhook/hello",
    ]);
  });

  test("of a bot that polls", () => {
    const polls = { ...withHello({ webhookUrl: null }), routes: {} };
    expect(wrong({ ...polls, ...withWebhook({ url: "" }) })).toEqual([]);
    expect(wrong({ ...polls, ...withWebhook({ url: "https://old.example/" }) })).toEqual([
      "hello: it polls, but Telegram has the webhook https://old.example/ and refuses it",
    ]);
  });

  test("with an error within ten minutes, and not after", () => {
    const error = (seconds: number) =>
      withWebhook({
        pending_update_count: 3,
        last_error_date: unixTime(ago(seconds)),
        last_error_message: "Wrong response from the webhook: 502 Bad Gateway",
      });
    expect(wrong(error(120))).toEqual([
      "hello: Telegram could not deliver 2 min ago: Wrong response from the webhook: 502 Bad Gateway (3 updates waiting)",
    ]);
    expect(wrong(error(601))).toEqual([]);
  });

  test("with more than 100 updates waiting", () => {
    expect(wrong(withWebhook({ pending_update_count: 100 }))).toEqual([]);
    expect(wrong(withWebhook({ pending_update_count: 101 }))).toEqual([
      "hello: 101 updates wait at Telegram: the bot does not keep up",
    ]);
  });

  test("of a bot that is held: what waits and what the edge refused is meant so", () => {
    const held = { paused: ["hello"], routes: {} };
    const waiting = withWebhook({
      pending_update_count: 5000,
      last_error_date: unixTime(now),
      last_error_message: "Wrong response from the webhook: 503 Service Unavailable",
    });
    expect(wrong({ ...held, ...waiting })).toEqual([]);
    expect(wrong({ ...held, ...withWebhook({ url: "" }) })).toHaveLength(1);
  });

  test("of a bot that was held: what came of that is meant so, what comes later is not", () => {
    const seen = (resumed: number, changes: Partial<WebhookInfo>) =>
      wrong({ resumed: { hello: unixTime(ago(resumed)) }, ...withWebhook(changes) });
    const error = (seconds: number) => ({
      last_error_date: unixTime(ago(seconds)),
      last_error_message: "503",
    });
    expect(seen(119, { pending_update_count: 5000, ...error(1) })).toEqual([]);
    expect(seen(121, { pending_update_count: 5000 })).toHaveLength(1);
    expect(seen(300, error(300))).toEqual([]);
    expect(seen(300, error(291))).toEqual([]);
    expect(seen(300, error(289))).toEqual([
      "hello: Telegram could not deliver 4 min ago: 503 (0 updates waiting)",
    ]);
  });

  test("of a bot that polls and is held: it is stopped, and nothing else stops it", () => {
    const polls = (state: string) => ({
      ...withHello({ webhookUrl: null, state, finished: ago(180) }),
      routes: {},
      ...withWebhook({ url: "" }),
    });
    const paused = ["hello"];
    for (const state of ["exited", "created"]) expect(wrong({ ...polls(state), paused })).toEqual([]);
    expect(wrong(polls("exited"))).toEqual(["hello: does not run (exited with code 0, 3 min ago)"]);
    // As an earlier version held it.
    expect(wrong({ ...polls("paused"), paused })).toEqual([]);
    expect(wrong(polls("paused"))).toEqual(["hello: is frozen (docker pause)"]);
    expect(wrong({ ...polls("running"), paused })).toEqual([
      "hello: is paused, but its container runs: was it started by hand?",
    ]);
    expect(wrong({ ...polls("restarting"), paused })).toHaveLength(1);
    // The edge holds one with a webhook, and its pages stay open.
    expect(wrong({ ...withHello({ state: "exited", finished: ago(180) }), paused })).toEqual([
      "hello: does not run (exited with code 0, 3 min ago)",
    ]);
  });

  test("whose certificate is not what the edge has", () => {
    expect(wrong({ uploaded: true })).toEqual([
      "hello: Telegram does not have the garden's own certificate, so it trusts none",
    ]);
    expect(wrong(withWebhook({ has_custom_certificate: true }))).toEqual([
      "hello: Telegram has an uploaded certificate, though the edge's is a public one",
    ]);
    expect(wrong({ uploaded: null, ...withWebhook({ has_custom_certificate: true }) })).toEqual([]);
  });

  test("that Telegram does not tell of: a wrong token by bot, anything else once for all", () => {
    const refused = { status: 401, error: "", description: "Unauthorized", info: null };
    expect(wrong({ webhooks: { hello: refused } })).toEqual([
      "hello: Telegram does not know its token: Unauthorized (HTTP 401)",
    ]);
    const silent = (ms: number) => ({
      status: 0,
      error: `Failed to connect to 149.154.167.220 port 443 after ${ms} ms`,
      description: null,
      info: null,
    });
    const second = container({ name: "second-1", bot: "second", webhookUrl: null, wantsDatabase: false });
    const both = [container(), second, core("edge"), core("postgres"), core("certbot")];
    expect(wrong({ containers: both, webhooks: { hello: silent(3000), second: silent(3001) } })).toEqual([
      "telegram: does not tell of the webhook of hello, second: Failed to connect to 149.154.167.220 port 443",
    ]);
  });
});

describe("the database", () => {
  const postgres = garden().postgres;
  const withDatabase = (connections: number, limit: number | null) =>
    postgres && { postgres: { ...postgres, databases: { hello: { bytes: 1, connections, limit } } } };

  test("whose role has nearly all the connections that it may have", () => {
    expect(wrong({ ...withDatabase(9, 10) })).toEqual([
      "hello: holds 9 of the 10 connections to its database that it may have",
    ]);
    expect(wrong({ ...withDatabase(8, 10) })).toEqual([]);
    expect(wrong({ ...withDatabase(50, -1) })).toEqual([]);
  });

  test("that is missing; a bot without one needs none", () => {
    expect(wrong({ ...(postgres && { postgres: { ...postgres, databases: {} } }) })).toEqual([
      "hello: its database cannot be looked at",
    ]);
    const none = {
      ...withHello({ wantsDatabase: false }),
      ...(postgres && { postgres: { ...postgres, databases: {} } }),
    };
    expect(wrong(none)).toEqual([]);
  });

  test("Postgres that does not answer or has no connection left", () => {
    expect(wrong({ postgres: null, ...withHello({ wantsDatabase: false }) })).toEqual([
      "postgres: does not answer",
    ]);
    expect(wrong({ ...(postgres && { postgres: { ...postgres, connections: 54 } }) })).toEqual([
      "postgres: has 54 of at most 60 connections open",
    ]);
  });
});

describe("the certificate", () => {
  test("of 90 days is well until less than a quarter is left", () => {
    const left = (days: number) =>
      withCertificate({ notBefore: ago((90 - days) * day), notAfter: ago(-days * day) });
    expect(wrong(left(23))).toEqual([]);
    expect(wrong(left(22))).toEqual([`certificate: ends in 22 days, at ${ago(-22 * day)}`]);
  });

  test("of six days is well with half of it left", () => {
    const left = (hours: number) =>
      withCertificate({ notBefore: ago((160 - hours) * 3600), notAfter: ago(-hours * 3600) });
    expect(wrong(left(80))).toEqual([]);
    expect(wrong(left(39))).toEqual([`certificate: ends in 39 h, at ${ago(-39 * 3600)}`]);
  });

  test("that the garden does not renew is well until two weeks before its end", () => {
    const left = (days: number) =>
      withCertificate({ source: "given", notBefore: ago(1000 * day), notAfter: ago(-days * day) });
    expect(wrong(left(15))).toEqual([]);
    expect(wrong(left(13))).toHaveLength(1);
  });

  test("that ended, is a placeholder, is not served, or could not be renewed", () => {
    expect(wrong(withCertificate({ notAfter: ago(60) }))).toEqual([`certificate: ended at ${ago(60)}`]);
    expect(wrong(withCertificate({ source: "placeholder" }))).toEqual([
      "certificate: none was issued yet, and nobody trusts the placeholder",
    ]);
    expect(wrong(withCertificate({ served: "other" }))).toEqual([
      "certificate: the edge does not serve the one that is installed",
    ]);
    const failed = { at: ago(3600), reason: "too many\u001b[31m certificates" };
    expect(wrong(withCertificate({ lastFailure: failed, nextTry: ago(-3600) }))).toEqual([
      `certificate: could not be renewed; the last try, at ${ago(3600)}, failed: too many [31m certificates ` +
        `(next try at ${ago(-3600)}). The present one is good until ${ago(-60 * day)}`,
    ]);
  });

  test("that nothing renews", () => {
    expect(wrong({ containers: [container(), core("edge"), core("postgres")] })).toEqual([
      "certificate: nothing renews it: certbot has no container",
    ]);
  });

  test("is not told as missing beside an edge that does not run", () => {
    const stopped = core("edge", { state: "exited", finished: ago(5) });
    const containers = [container(), stopped, core("postgres"), core("certbot")];
    expect(wrong({ containers, certificate: null })).toEqual([
      "edge: does not run (exited with code 0, 5 s ago)",
    ]);
  });
});

describe("the host", () => {
  const disk = { mount: "/", size: 80e9, available: 10e9, usedPercent: 85, inodesPercent: 5 };

  test("whose disk is more than 85 % full, in bytes or in files", () => {
    expect(wrong({ disks: [disk] })).toEqual([]);
    expect(wrong({ disks: [{ ...disk, usedPercent: 86 }] })).toEqual([
      "host: / is 86 % full, 9.3 GB are left",
    ]);
    expect(wrong({ disks: [{ ...disk, inodesPercent: 86 }] })).toEqual([
      "host: / has used 86 % of the files that it can hold",
    ]);
    expect(wrong({ disks: [{ ...disk, inodesPercent: null }] })).toEqual([]);
  });

  test("one file system that is mounted twice is told once", () => {
    const full = { ...disk, usedPercent: 90 };
    expect(wrong({ disks: [full, { ...full, mount: "/var/lib/docker" }] })).toHaveLength(1);
  });

  test("whose memory is nearly gone", () => {
    expect(wrong({ memory: { total: 999 * 2 ** 20, available: 49 * 2 ** 20 } })).toEqual([
      "host: only 49 of 999 MB of memory are left",
    ]);
  });
});
