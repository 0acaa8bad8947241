/** `certificate` on a real host, with certbot and Pebble: the first issue, and all that can stand in its way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { AcmeClient } from "../../sandbox/acme/client.ts";
import { CertificateHost, type CertificateRequest, requestTo } from "./support/host.ts";

const host = new CertificateHost(["bots.test", "extra.test", "third.test"]);
let acme: AcmeClient;
let request: CertificateRequest;
const patience = 300_000;

beforeAll(async () => {
  await host.create(["certbot/certbot:v5.5.0", "certbot/certbot:v2.10.0"]);
  acme = await host.startAuthority();
  request = await requestTo(acme);
}, 900_000);
afterAll(() => host.remove(), patience);
afterEach(async () => {
  await acme.setMode({ mode: "pass" });
  await host.run("rm -f /var/lib/botgarden/acme/garden/journal.json");
});

const certificates = "/etc/botgarden/certificates";

/** Starts a new certificate and an edge that serves it. */
async function begin(id: string, changes: Partial<CertificateRequest> = {}): Promise<void> {
  await host.begin(id, { ...request, ...changes });
}

describe("the first certificate", () => {
  test("is a placeholder until the authority has issued one, and then that", {
    timeout: patience,
  }, async () => {
    await begin("aaaa0001");
    expect(await host.folder(`${certificates}/aaaa0001`)).toEqual([
      expect.stringMatching(/^current 777 v-\w+$/),
      expect.stringMatching(/^v-\w+ 755$/),
      expect.stringMatching(/^v-\w+\/fullchain.pem 644$/),
      expect.stringMatching(/^v-\w+\/privkey.pem 600$/),
      expect.stringMatching(/^v-\w+\/source 644$/),
    ]);
    expect(await host.look("aaaa0001", "bots.test")).toMatchObject({
      source: "placeholder",
      names: ["bots.test"],
      served: "yes",
      lastFailure: null,
    });

    const { code, stdout, stderr } = await host.obtain("aaaa0001", "bots.test");
    expect(code, stderr).toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/certificate for bots.test: issued by Pebble .*\(89 days\)\n$/);
    const [issued] = await acme.certificates();
    expect(issued?.names).toEqual(["DNS:bots.test"]);
    expect(await host.look("aaaa0001", "bots.test")).toMatchObject({
      source: "issued",
      serial: issued?.serial,
      served: "yes",
      names: ["bots.test"],
      daysLeft: 89,
    });
    expect(await host.served("bots.test")).toBe(issued?.serial);
    // One folder, the whole chain, and no key that others may read.
    expect(await host.folder(`${certificates}/aaaa0001`)).toHaveLength(5);
    expect(await host.run(`grep -c BEGIN ${certificates}/aaaa0001/current/fullchain.pem`)).toBe("2");
    expect(await host.run(`stat -c '%a %U' ${certificates}/aaaa0001/current/privkey.pem`)).toBe("600 root");
  });

  test("is kept: asking again costs the authority no order", { timeout: patience }, async () => {
    const { newOrders } = await acme.counts();
    const before = await host.look("aaaa0001", "bots.test");
    await host.start("aaaa0001", request);
    expect((await host.obtain("aaaa0001", "bots.test")).code).toBe(0);
    expect(await host.look("aaaa0001", "bots.test")).toMatchObject({ serial: before.serial });
    expect((await acme.counts()).newOrders).toBe(newOrders);
  });

  test("of other settings lies beside it, and going back costs nothing", { timeout: patience }, async () => {
    const before = await host.look("aaaa0001", "bots.test");
    await begin("aaaa0002", { domains: ["bots.test", "extra.test"], keyType: "rsa", email: "a@example.com" });
    expect(await host.obtain("aaaa0002", "bots.test")).toMatchObject({ code: 0 });
    expect(await host.look("aaaa0002", "extra.test")).toMatchObject({
      source: "issued",
      names: ["bots.test", "extra.test"],
      served: "yes",
    });
    const key = `openssl pkey -noout -text -in ${certificates}/aaaa0002/current/privkey.pem | head -1`;
    expect(await host.run(key)).toMatch(/2048 bit/);

    await host.certificate("keep aaaa0002");
    expect((await host.folder(certificates)).filter((line) => /^\w{8} /.test(line))).toEqual([
      "aaaa0002 755",
    ]);
    const { newOrders } = await acme.counts();
    await host.start("aaaa0001", request);
    expect(await host.look("aaaa0001", "bots.test")).toMatchObject({
      source: "issued",
      serial: before.serial,
      served: "other",
    });
    expect((await acme.counts()).newOrders).toBe(newOrders);
  });

  test("outlives `pulumi destroy`", { timeout: patience }, async () => {
    const before = await host.look("aaaa0001", "bots.test");
    await host.run("docker rm --force botgarden-edge botgarden-certbot; rm -rf /etc/botgarden");
    await host.start("aaaa0001", request);
    await host.edge("aaaa0001");
    expect(await host.look("aaaa0001", "bots.test")).toMatchObject({
      source: "issued",
      serial: before.serial,
      served: "yes",
    });
    await host.certbot();
    expect(await host.obtain("aaaa0001", "bots.test")).toMatchObject({ code: 0 });
  });
});

describe("what the host sees first", () => {
  beforeAll(async () => {
    await begin("bbbb0001", { domains: ["nowhere.test"] });
  });
  /** Tries to obtain a certificate that the authority must never be asked for. */
  async function refused(id: string, name: string): Promise<string> {
    const { newOrders } = await acme.counts();
    const { code, stderr } = await host.obtain(id, name);
    expect(code, stderr).toBe(1);
    expect((await acme.counts()).newOrders).toBe(newOrders);
    const lines = stderr.trim().split("\n");
    expect(lines.filter((line) => line.startsWith("botgarden: "))).toHaveLength(1);
    return lines.at(-1) ?? "";
  }
  const knows = (name: string, address: string) => host.run(`echo '${address} ${name}' >>/etc/hosts`);

  test("a name that DNS does not know", { timeout: patience }, async () => {
    const line = await refused("bbbb0001", "nowhere.test");
    expect(line).toContain("DNS has no IPv4 address for nowhere.test");
    expect(line).toContain(`Create an A record for it with this host's address (${host.host.address}`);
  });

  test("a name that only the host's own /etc/hosts knows, as itself", { timeout: patience }, async () => {
    await knows("nowhere.test", "127.0.1.1");
    expect(await refused("bbbb0001", "nowhere.test")).toContain("DNS has no IPv4 address for nowhere.test");
  });

  test("a name that leads elsewhere, where nobody listens", { timeout: patience }, async () => {
    const elsewhere = host.host.address.replace(/\d+$/, "1");
    await knows("elsewhere.test", elsewhere);
    await begin("bbbb0002", { domains: ["elsewhere.test"] });
    const line = await refused("bbbb0002", "elsewhere.test");
    expect(line).toContain(
      `DNS says that elsewhere.test is ${elsewhere}, but this host has ${host.host.address}`,
    );
    expect(line).toContain("Let the A record of elsewhere.test point to this host");
  });

  test("a name that leads to another server", { timeout: patience }, async () => {
    const stranger = await host.startStranger("stranger.test");
    await knows("stranger.test", stranger);
    await begin("bbbb0003", { domains: ["bots.test", "stranger.test"] });
    const line = await refused("bbbb0003", "bots.test");
    expect(line).toContain(`stranger.test is ${stranger}, but this host has ${host.host.address}`);
    expect(line).toContain("answered by something else than this garden: HTTP 404");
  });

  test("a port 80 that is closed", { timeout: patience }, async () => {
    await host.start("bbbb0004", { ...request, domains: ["third.test"] });
    await host.edge("bbbb0004", "none");
    const line = await refused("bbbb0004", "third.test");
    expect(line).toContain(
      `third.test is ${host.host.address}, which is this host, but nothing listens on port 80`,
    );
  });

  test("no certbot that runs", { timeout: patience }, async () => {
    await host.run("docker rm --force botgarden-certbot");
    expect(await refused("bbbb0004", "third.test")).toContain("the container botgarden-certbot does not run");
    await host.certbot();
  });
});

describe("an authority", () => {
  test("that is down is no failed try, and the next `up` gets the certificate", {
    timeout: patience,
  }, async () => {
    await begin("cccc0001", { domains: ["third.test"] });
    await acme.setMode({ mode: "down" });
    for (let time = 0; time < 5; time += 1) {
      const { code, stderr } = await host.obtain("cccc0001", "third.test");
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /botgarden: no certificate for third.test: \S+ cannot be reached \(Connection refused\)/,
      );
    }
    expect(await host.look("cccc0001", "third.test")).toMatchObject({
      source: "placeholder",
      lastFailure: { reason: expect.stringContaining("cannot be reached") },
    });
    await acme.setMode({ mode: "pass" });
    expect(await host.obtain("cccc0001", "third.test")).toMatchObject({ code: 0 });
    expect(await host.look("cccc0001", "third.test")).toMatchObject({ source: "issued", lastFailure: null });
  });

  test("that is down does not stop an `up` with a good certificate", { timeout: patience }, async () => {
    await acme.setMode({ mode: "down" });
    const { code, stderr } = await host.obtain("cccc0001", "third.test");
    expect(code).toBe(0);
    expect(stderr).toMatch(/WARNING: .*cannot be reached/);
    expect(stderr).toMatch(/WARNING: the one that is there is still good: issued by Pebble/);
  });

  test("that says Retry-After is left alone for that long", { timeout: patience }, async () => {
    await begin("cccc0002", { domains: ["third.test", "bots.test"] });
    await acme.setMode({ mode: "busy", retryAfter: 3600 });
    const first = await host.obtain("cccc0002", "third.test");
    expect(first.code).toBe(1);
    expect(first.stderr).toContain("refuses more requests for now (too many new orders recently");
    const at = /The next try is possible at (\S+ \S+) UTC/.exec(first.stderr)?.[1] ?? "";
    const wait = (Date.parse(`${at}Z`) - Date.now()) / 1000;
    expect(wait).toBeGreaterThan(3500);
    expect(wait).toBeLessThanOrEqual(3600);

    await acme.setMode({ mode: "pass" });
    const { requests } = await acme.counts();
    const second = await host.obtain("cccc0002", "third.test");
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain("the CA asked for patience");
    expect((await acme.counts()).requests).toBe(requests);
    const { nextTry } = await host.look("cccc0002", "third.test");
    expect(Date.parse(nextTry ?? "")).toBeGreaterThanOrEqual(Date.parse(`${at}Z`) - 1000);
  });

  test("is asked in vain four times an hour at most, by `up` and the loop together", {
    timeout: patience,
  }, async () => {
    // The host finds itself by this name, the authority does not.
    await host.run(`echo '${host.host.address} unknown.test' >>/etc/hosts`);
    await begin("cccc0003", { domains: ["unknown.test"] });
    const { newOrders } = await acme.counts();
    for (let time = 0; time < 3; time += 1) {
      const { code, stderr } = await host.obtain("cccc0003", "unknown.test");
      expect(code).toBe(1);
      expect(stderr).toMatch(/no certificate for unknown.test: unknown.test: .*no such host/);
    }
    // The loop is patient after a failure, and has a try of its own when its time has come.
    const loop = "docker exec botgarden-certbot python3 /garden/certbot-issue loop";
    expect(Number(await host.run(loop))).toBeGreaterThan(3000);
    expect((await acme.counts()).newOrders).toBe(newOrders + 3);
    const journal = "/var/lib/botgarden/acme/garden/journal.json";
    await host.run(`jq 'map_values(.holdUntil = 0)' ${journal} >/tmp/j && cat /tmp/j >${journal}`);
    await host.run(loop);
    expect((await acme.counts()).newOrders).toBe(newOrders + 4);
    await host.run(`jq 'map_values(.holdUntil = 0)' ${journal} >/tmp/j && cat /tmp/j >${journal}`);
    await host.run(loop);
    const { code, stderr } = await host.obtain("cccc0003", "unknown.test");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /4 tries failed within an hour, the last one: unknown.test: .*The next try is possible at/,
    );
    expect((await acme.counts()).newOrders).toBe(newOrders + 4);
    // An hour later there is a try again.
    await host.run(`jq 'map_values(.failures[0] -= 3600)' ${journal} >/tmp/j && cat /tmp/j >${journal}`);
    await host.obtain("cccc0003", "unknown.test");
    expect((await acme.counts()).newOrders).toBe(newOrders + 5);
  });

  test("whose own certificate nobody knows is named, with what to do", { timeout: patience }, async () => {
    await begin("cccc0004", { domains: ["third.test", "bots.test"], authority: null });
    const { code, stderr } = await host.obtain("cccc0004", "third.test");
    expect(code).toBe(1);
    expect(stderr).toContain(
      "has a certificate that this host does not trust; if it is yours, give its CA as",
    );
  });

  test("hears of another e-mail address", { timeout: patience }, async () => {
    await begin("aaaa0001", { email: "one@example.com" });
    await host.obtain("aaaa0001", "bots.test");
    await host.start("aaaa0001", { ...request, email: "two@example.com" });
    const { code, stderr } = await host.obtain("aaaa0001", "bots.test");
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("the CA has the new e-mail address"),
    });
    expect((await host.obtain("aaaa0001", "bots.test")).stderr).not.toContain("e-mail");
  });
});
