import { randomBytes, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acmeFiles, acmeRuns, startAcme, stopAcme } from "../../../sandbox/acme/background.ts";
import { AcmeClient } from "../../../sandbox/acme/client.ts";
import { docker, dockerLines, sandboxLabel } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { isRunning } from "../../../sandbox/engine/processes.ts";
import { ensureNetwork, type Network } from "../../../sandbox/vps/network.ts";
import { removeAll } from "../../../sandbox/vps/remove.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import { Account, isBadNonce, Requests } from "./acme-requests.ts";
import { type Run, Webroot } from "./certbot.ts";

const log = (): void => undefined;
const newId = (): string => `t${randomBytes(4).toString("hex")}`;
const sandboxId = newId();
const name = "tiny.test";
const day = 24 * 3600_000;
// From nothing the images are made first.
const patience = 900_000;
const folder = sharedFolder();

let network: Network;
let acme: AcmeClient;
let requests: Requests;
let webroot: Webroot;

beforeAll(async () => {
  // These tests are about the images of the sandbox, also where Docker Hub answers.
  process.env.BOTGARDEN_IMAGES = "debian";
  await ensureDocker({ log });
  network = await ensureNetwork(sandboxId);
  acme = await startAcme({ sandboxId, network, log });
  const { authority, server } = await acme.roots();
  requests = new Requests(server);
  webroot = await Webroot.start({ sandboxId, network, name, authority, folder }, log);
}, patience);

afterAll(async () => {
  requests?.close();
  await removeAll(sandboxId, { log });
}, patience);

/** Gets a certificate with certbot and checks its chain up to the issuing root. */
async function issue(certificateName: string, args: readonly string[]): Promise<X509Certificate> {
  const { ok, output } = await webroot.certbot(acme.directoryUrl, ["--cert-name", certificateName, ...args]);
  expect(ok, output).toBe(true);
  return leafOf(certificateName);
}

async function leafOf(certificateName: string): Promise<X509Certificate> {
  const blocks = webroot.chain(certificateName).match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  const [leaf, intermediate] = blocks.map((block) => new X509Certificate(block));
  const root = new X509Certificate((await acme.roots()).issuers);
  if (leaf === undefined || intermediate === undefined) throw new Error("the chain is not complete");
  expect(leaf.verify(intermediate.publicKey)).toBe(true);
  expect(intermediate.verify(root.publicKey)).toBe(true);
  return leaf;
}

/** Milliseconds from the first to the last second. */
function lifetime({ validFromDate, validToDate }: X509Certificate): number {
  return validToDate.getTime() - validFromDate.getTime() + 1000;
}

async function newAccount(): Promise<Account> {
  const account = new Account(requests, await requests.directory(acme.directoryUrl));
  expect(await account.register()).toMatchObject({ status: 201 });
  return account;
}

describe("a directory", () => {
  test("answers under full verification and names the front everywhere", async () => {
    const directory = await requests.directory(acme.directoryUrl);
    const base = `https://${network.gateway}:`;
    for (const url of [directory.newNonce, directory.newAccount, directory.newOrder, directory.renewalInfo])
      expect(url).toMatch(new RegExp(`^${base}\\d+/`));
    expect(Object.keys(directory.meta.profiles).sort()).toEqual(["default", "minutes", "shortlived"]);
  });

  test("is another process's by the port file", async () => {
    const other = AcmeClient.fromPortFile(acmeFiles(sandboxId).port);
    expect(other.directoryUrl).toBe(acme.directoryUrl);
    expect(await other.roots()).toEqual(await acme.roots());
  });

  test("that is not there is told in one line", () => {
    expect(() => AcmeClient.fromPortFile("/nowhere/acme.json")).toThrow(/no port file .*start the sandbox/);
  });
});

describe("certbot", { timeout: 120_000 }, () => {
  test("gets 90 days for a name, and every step is counted", async () => {
    await acme.reset();
    const leaf = await issue("name", ["--domain", name]);
    expect(leaf.subjectAltName).toBe(`DNS:${name}`);
    expect(lifetime(leaf)).toBe(90 * day);
    expect(await acme.orders()).toMatchObject([{ identifiers: [name], status: 201 }]);
    expect(await acme.certificates()).toMatchObject([{ serial: leaf.serialNumber, names: [`DNS:${name}`] }]);
    expect(await acme.counts()).toMatchObject({
      ...{ newAccounts: 1, newOrders: 1, refused: 0, failedAuthorizations: 0, certificates: 1 },
    });
  });

  test("gets 160 hours for an address", async () => {
    const args = ["--ip-address", webroot.address, "--preferred-profile", "shortlived"];
    const leaf = await issue("address", args);
    expect(leaf.subjectAltName).toBe(`IP Address:${webroot.address}`);
    expect(lifetime(leaf)).toBe(160 * 3600_000);
  });

  test("gets three minutes and keeps them", async () => {
    const args = ["--domain", name, "--preferred-profile", "minutes", "--keep-until-expiring"];
    const first = await issue("minutes", args);
    expect(lifetime(first)).toBe(180_000);
    const kept = await issue("minutes", args);
    expect(kept.serialNumber).toBe(first.serialNumber);
  });

  test("renews at once what the authority wants renewed, and no newer one", async () => {
    const args = ["--domain", name, "--preferred-profile", "shortlived", "--keep-until-expiring"];
    const first = await issue("due", args);
    await acme.renewAll();
    const second = await issue("due", args);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect((await issue("due", args)).serialNumber).toBe(second.serialNumber);
  });

  test("fails for a name that does not exist, and the failure counts", async () => {
    await acme.reset();
    const run = await webroot.certbot(acme.directoryUrl, ["--domain", "missing.test"]);
    expect(run).toMatchObject({ ok: false, output: expect.stringContaining("no such host") as string });
    expect(await acme.counts()).toMatchObject({ newOrders: 1, failedAuthorizations: 1, certificates: 0 });
  });
});

describe("an order", () => {
  test("without a profile gets the default one, always", async () => {
    const account = await newAccount();
    const given = new Set<unknown>();
    for (let count = 0; count < 200; count += 1) given.add((await account.order([name])).body.profile);
    expect([...given]).toEqual(["default"]);
  });

  test("gets the profile that it names, or none", async () => {
    const account = await newAccount();
    expect(await account.order([name], "minutes")).toMatchObject({
      status: 201,
      body: { profile: "minutes" },
    });
    expect(await account.order([name], "golden")).toMatchObject({
      body: { type: "urn:ietf:params:acme:error:invalidProfile" },
    });
  });
});

describe("an authority that is busy", { timeout: 120_000 }, () => {
  test("refuses orders and accounts with the limit's words, and is itself again afterwards", async () => {
    const account = await newAccount();
    await acme.reset();
    await acme.setMode({ mode: "busy", retryAfter: 77 });
    const refused = await account.order([name]);
    expect(refused).toMatchObject({
      status: 429,
      headers: { "retry-after": "77", "content-type": "application/problem+json" },
      body: { type: "urn:ietf:params:acme:error:rateLimited", status: 429 },
    });
    // As every answer to a POST has one (RFC 8555, section 6.5).
    expect(refused.headers["replay-nonce"]).toMatch(/^[\w-]+$/);
    const directory = await requests.directory(acme.directoryUrl);
    expect(await new Account(requests, directory).register()).toMatchObject({ status: 429 });
    expect(await acme.counts()).toMatchObject({ newOrders: 1, newAccounts: 1, refused: 2 });
    expect(await acme.orders()).toMatchObject([{ identifiers: [name], status: 429 }]);
    await acme.setMode({ mode: "pass" });
    expect(await account.order([name])).toMatchObject({ status: 201 });
    expect(await acme.counts()).toMatchObject({ newOrders: 2, refused: 2 });
  });

  test("makes certbot say why", async () => {
    await acme.setMode({ mode: "busy" });
    const run: Run = await webroot.certbot(acme.directoryUrl, ["--domain", name, "--cert-name", "refused"]);
    await acme.setMode({ mode: "pass" });
    expect(run.ok).toBe(false);
    expect(run.output).toContain("too many new orders recently");
  });
});

describe("an authority that is down", () => {
  test("refuses connections, and knows everything when it is back", async () => {
    const account = await newAccount();
    await acme.reset();
    await acme.setMode({ mode: "down" });
    await expect(requests.directory(acme.directoryUrl)).rejects.toThrow("ECONNREFUSED");
    await expect(account.order([name])).rejects.toThrow("ECONNREFUSED");
    expect(await acme.counts()).toMatchObject({ requests: 0 });
    await acme.setMode({ mode: "pass" });
    expect(await account.order([name])).toMatchObject({ status: 201 });
  });

  test("has no fourth mode", async () => {
    const odd: object = { mode: "sideways" };
    await expect(acme.setMode(odd as { mode: "pass" })).rejects.toThrow('not "sideways"');
    await requests.directory(acme.directoryUrl);
  });
});

describe("several authorities", { timeout: 120_000 }, () => {
  test("live side by side, each with its own roots, default and nonces", async () => {
    const other = await startAcme({
      ...{ sandboxId, network, name: "acme2", whenNoneIsAsked: "minutes", nonceRejects: 90, log },
    });
    const { server, issuers } = await other.roots();
    expect(issuers).not.toBe((await acme.roots()).issuers);
    expect(other.directoryUrl).not.toBe(acme.directoryUrl);
    const otherRequests = new Requests(server);
    const account = new Account(otherRequests, await otherRequests.directory(other.directoryUrl));
    const seen = [];
    do seen.push(await account.register());
    while (seen.at(-1)?.status !== 201);
    for (let count = 0; count < 30; count += 1) seen.push(await account.post(account.directory.newOrder, {}));
    expect(seen.some(isBadNonce)).toBe(true);
    let order = await account.order([name]);
    while (order.status !== 201) order = await account.order([name]);
    expect(order.body.profile).toBe("minutes");
    otherRequests.close();
    await stopAcme(sandboxId, { name: "acme2", log });
    expect(acmeRuns(sandboxId, "acme2")).toBeUndefined();
    await requests.directory(acme.directoryUrl);
  });

  test("of other sandboxes go with their sandbox and leave this one alone", async () => {
    const otherId = newId();
    const other = await startAcme({ sandboxId: otherId, network: await ensureNetwork(otherId), log });
    const front = acmeRuns(otherId);
    const label = sandboxLabel(otherId);
    expect(front).toBeDefined();
    expect(await other.counts()).toMatchObject({ requests: 0 });
    await removeAll(otherId, { log });
    expect(front !== undefined && isRunning(front)).toBe(false);
    expect(await dockerLines(["ps", "--all", "--quiet", "--filter", `label=${label}`])).toEqual([]);
    expect(existsSync(acmeFiles(otherId).folder)).toBe(false);
    await expect(other.counts()).rejects.toThrow("the ACME authority doesn't answer");
    await requests.directory(acme.directoryUrl);
  });

  test("with the same name replace each other", async () => {
    const otherId = newId();
    const otherNetwork = await ensureNetwork(otherId);
    try {
      const before = await (await startAcme({ sandboxId: otherId, network: otherNetwork, log })).roots();
      const again = await startAcme({ sandboxId: otherId, network: otherNetwork, log });
      expect((await again.roots()).issuers).not.toBe(before.issuers);
      const format = ["--format", "{{.Names}}"];
      const names = await docker(["ps", ...format, "--filter", `label=${sandboxLabel(otherId)}`]);
      expect(names).toBe(`botgarden-${otherId}-acme`);
    } finally {
      await removeAll(otherId, { log });
    }
  });
});
