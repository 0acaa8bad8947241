/** Another name or certificate on a running edge: no moment in which Telegram, as it is registered, would refuse it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EdgeHost, type SiteOrder } from "../support/edge-host.ts";
import { runProgram } from "../support/processes.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import { ask } from "../support/web.ts";
import { type Certificate, makeCertificate } from "../telegram/certificates.ts";

const root = sharedFolder();
const quiet = { code: 0, stdout: "", stderr: "" };
let host: EdgeHost;
let address: string;
let made = 0;

const [own, other, publicRoot] = ["own", "other", "public"].map((cn) =>
  makeCertificate({ cn, ca: true }),
) as [Certificate, Certificate, Certificate];

interface Made extends SiteOrder {
  /** Of what is served for it. */
  readonly serial: string;
}

/** A name with a new certificate of its own, in place on the host. */
async function site(name: string, issuer: Certificate, upload: string | null): Promise<Made> {
  const kind = /^[\d.]+$/.test(name) ? "ip" : "domain";
  made += 1;
  const id = made.toString(16).padStart(8, "0");
  const leaf = makeCertificate({ cn: name, issuer, san: `${kind === "ip" ? "IP" : "DNS"}:${name}` });
  host.install(id, leaf);
  return { name, kind, certificate: id, upload, serial: await serialOf(leaf.file) };
}

async function serialOf(file: string): Promise<string> {
  const { stdout } = await runProgram("openssl", ["x509", "-noout", "-serial", "-in", file]);
  return stdout.trim().replace("serial=", "");
}

/** The serial of the certificate that is served for a name of TLS (empty for none), or why there is none. */
function served(servername: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 443, servername, rejectUnauthorized: false });
    socket.on("secureConnect", () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", ({ message }) => resolve(/alert/i.test(message) ? "refused" : message));
  });
}

async function until(name: string, wanted: string): Promise<void> {
  await expect
    .poll(() => served(name), { timeout: 60_000, interval: 50, message: name || "no name" })
    .toBe(wanted);
}

/** The status that a bot's update gets under a name, as Telegram asks for it. */
async function deliver(name: string): Promise<number> {
  const servername = /^[\d.]+$/.test(name) ? "" : name;
  const question = {
    address,
    port: 443,
    path: "/healthz",
    method: "GET",
    headers: { host: name },
    servername,
  };
  return (await ask(question)).status;
}

/** Waits for that status: one worker more than the one that was asked before may be a former one. */
async function untilDelivered(name: string, status: number): Promise<void> {
  const asked = () => deliver(name).catch((error: Error) => error.message);
  await expect.poll(asked, { timeout: 60_000, interval: 50, message: name }).toBe(status);
}

/** What `up` does until the bots are told. */
async function offer(order: SiteOrder, env: Record<string, string> = {}): Promise<string> {
  expect(await host.configure(order)).toEqual(quiet);
  const { code, stdout, stderr } = await host.edge(["offer"], { env });
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  return stderr;
}

async function adopt(): Promise<void> {
  expect(await host.edge(["adopt"])).toEqual(quiet);
}

const registered = () => readFileSync(join(host.tree, "registered.pem"), "utf8");
const pending = () => existsSync(join(host.tree, "pending.json"));

let present: Made;
beforeAll(async () => {
  host = await EdgeHost.open(root);
  present = await site("bots.example.com", own, own.cert);
  expect(await host.configure(present)).toEqual(quiet);
  await host.start();
  expect(await host.edge(["settle"])).toMatchObject({ code: 0 });
  address = await host.address();
  // The first time it may have to make images.
}, 900_000);
afterAll(() => host.close());

/** The edge serves a site alone, and Telegram is registered with what that uploads. */
async function begin(name: string, issuer: Certificate, upload: string | null): Promise<void> {
  present = await site(name, issuer, upload);
  await offer(present);
  await adopt();
  await until(present.kind === "ip" ? "" : name, present.serial);
}

test("the first site is served at once; to adopt it is to know what Telegram has", async () => {
  await until(present.name, present.serial);
  expect(existsSync(join(host.tree, "registered.pem"))).toBe(false);
  expect(await host.edge(["offer"])).toEqual(quiet);
  await adopt();
  expect(registered()).toBe(`${own.cert.trimEnd()}\n\n`);
  expect(host.calls.at(-1)).toBe(`keep ${present.certificate}`);
});

describe("another certificate of the same name", () => {
  const name = "bots.example.com";

  test("is served at once if what Telegram has vouches for it", async () => {
    await begin(name, own, own.cert);
    const next = await site(name, own, own.cert);
    expect(await offer(next)).toBe("");
    await until(name, next.serial);
    expect(host.calls.at(-1)).toBe(`await ${next.certificate} ${name} 443`);
    expect(registered()).toContain(own.cert.trim());
    await adopt();
    expect(host.calls.at(-1)).toBe(`keep ${next.certificate}`);
    expect(pending()).toBe(false);
  });

  test("waits for the webhooks if not", async () => {
    await begin(name, own, own.cert);
    const next = await site(name, other, other.cert);
    expect(await offer(next)).toMatch(/keeps its certificate until every webhook is registered/);
    expect(await served(name)).toBe(present.serial);
    // Another `up` that did not come to its end changes nothing.
    await offer(next);
    expect(await served(name)).toBe(present.serial);
    await adopt();
    await until(name, next.serial);
    expect(registered()).toContain(other.cert.trim());
    expect(pending()).toBe(false);
    expect(host.calls.slice(-2)).toEqual([
      `await ${next.certificate} ${name} 443`,
      `keep ${next.certificate}`,
    ]);
  });

  test("is served at once from a public authority that the uploaded file holds too", async () => {
    await begin(name, own, `${own.cert}${publicRoot.cert}`);
    const next = await site(name, publicRoot, null);
    expect(await offer(next)).toBe("");
    await until(name, next.serial);
    await adopt();
    expect(registered()).toBe("");
  });

  test("waits if only the host's own store vouches for it: with an uploaded file that file alone counts", async () => {
    await begin(name, own, own.cert);
    const store = join(root, "store");
    mkdirSync(store);
    writeFileSync(join(store, "public.pem"), publicRoot.cert);
    expect((await runProgram("openssl", ["rehash", store])).code).toBe(0);
    const next = await site(name, publicRoot, null);
    const env = { SSL_CERT_DIR: store, SSL_CERT_FILE: join(store, "public.pem") };
    expect(await offer(next, env)).toMatch(/keeps its certificate/);
    expect(await served(name)).toBe(present.serial);
    await adopt();
    await until(name, next.serial);
  });

  test("is served at once if both are public, and waits if it has to be uploaded", async () => {
    await begin(name, publicRoot, null);
    const next = await site(name, publicRoot, null);
    expect(await offer(next)).toBe("");
    await until(name, next.serial);
    await adopt();
    const last = await site(name, own, own.cert);
    expect(await offer(last)).toMatch(/keeps its certificate/);
    expect(await served(name)).toBe(next.serial);
    await adopt();
    await until(name, last.serial);
  });

  test("waits if the file vouches for it, but not for that name", async () => {
    await begin(name, own, own.cert);
    const wrong = await site("others.example.com", own, own.cert);
    expect(await offer({ ...wrong, name })).toMatch(/keeps its certificate/);
    expect(await host.configure(present)).toEqual(quiet);
    expect(pending()).toBe(false);
  });
});

describe("another name", () => {
  const domain = "bots.example.com";
  const ip = "203.0.113.10";

  test("a domain after a domain: both until Telegram has the new one", async () => {
    await begin(domain, publicRoot, null);
    const next = await site("new.example.com", publicRoot, null);
    await offer(next);
    await until(next.name, next.serial);
    expect(await served(domain)).toBe(present.serial);
    expect(await served("")).toBe("refused");
    expect(await deliver(domain)).toBe(200);
    await untilDelivered(next.name, 200);
    await adopt();
    await until(domain, "refused");
    expect(await served(next.name)).toBe(next.serial);
    expect(host.calls.at(-1)).toBe(`keep ${next.certificate}`);
  });

  test("a domain after an address, the offer repeated: Telegram, which names none, gets the address's certificate", async () => {
    await begin(ip, own, own.cert);
    const next = await site(domain, own, own.cert);
    for (let time = 0; time < 2; time += 1) {
      await offer(next);
      await until(domain, next.serial);
      expect(await served("")).toBe(present.serial);
      await untilDelivered(domain, 200);
      expect(await deliver(ip)).toBe(200);
    }
    await adopt();
    await until("", "refused");
    expect(await served(domain)).toBe(next.serial);
  });

  test("an address after a domain", async () => {
    await begin(domain, publicRoot, null);
    const next = await site(ip, own, own.cert);
    await offer(next);
    await until("", next.serial);
    expect(await served(domain)).toBe(present.serial);
    expect(await deliver(domain)).toBe(200);
    await untilDelivered(ip, 200);
    await adopt();
    await until(domain, next.serial);
    await untilDelivered(domain, 421);
    expect(await deliver(ip)).toBe(200);
  });

  test("a name that is given up before Telegram had it", async () => {
    await begin(domain, publicRoot, null);
    const next = await site("new.example.com", publicRoot, null);
    await offer(next);
    await until(next.name, next.serial);
    await offer(present);
    await until(domain, present.serial);
    for (const name of [domain, next.name]) expect(await deliver(name), name).toBe(200);
    await adopt();
    await until(next.name, "refused");
    expect(await deliver(domain)).toBe(200);
  });

  // Before nginx tests the copy, and before it loads what is in place.
  test.for(["nginx -t", "-s reload"])(
    "a run that is killed before `%s` is made good by the next",
    async (at) => {
      await begin(ip, own, own.cert);
      const next = await site(domain, publicRoot, null);
      expect(await host.configure(next)).toEqual(quiet);
      await host.killed(["offer"], at);
      expect(await served("")).toBe(present.serial);
      await offer(next);
      await until(domain, next.serial);
      expect(await served("")).toBe(present.serial);
      await untilDelivered(domain, 200);
      expect(await deliver(ip)).toBe(200);

      await host.killed(["adopt"], at);
      expect(await served("")).toBe(present.serial);
      await adopt();
      await until("", "refused");
      expect(await served(domain)).toBe(next.serial);
      expect(registered()).toBe("");
      expect(pending()).toBe(false);
    },
  );
});

describe("a certificate that is replaced in its folder", () => {
  const name = "bots.example.com";
  beforeEach(() => begin(name, own, own.cert));

  test("is loaded by the edge itself", async () => {
    const renewed = makeCertificate({ cn: name, issuer: own, san: `DNS:${name}` });
    host.install(present.certificate, renewed);
    await until(name, await serialOf(renewed.file));
  });

  test("is not, if its key is another's: the former one stays", async () => {
    const { cert } = makeCertificate({ cn: name, issuer: own });
    const { key } = makeCertificate({ cn: name, issuer: own });
    host.install(present.certificate, { cert, key, file: "", keyFile: "" });
    const said = () => runProgram("docker", ["logs", host.container]);
    await expect.poll(async () => (await said()).stderr, { timeout: 60_000 }).toMatch(/key values mismatch/);
    expect(await served(name)).toBe(present.serial);
  });
});
