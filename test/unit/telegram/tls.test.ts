import { expect, test } from "vitest";
import { atEnd, type Bench, certificateForm, startBench, testAuthority } from "./bench.ts";
import { type Certificate, makeCertificate } from "./certificates.ts";
import { ownAddress, type Receiver, startReceiver } from "./webhook-receiver.ts";

const VERIFY_FAILED = "SSL error {error:0A000086:SSL routines::certificate verify failed}";

interface Case {
  what: string;
  /** The URL's host; "address" stands for the receiver's own. */
  host: string;
  cn: string;
  san?: string;
  /** Who signed the certificate: itself, or the sandbox's authority. */
  signed: "self" | "authority";
  /** What setWebhook uploads. */
  upload?: "certificate" | "authority";
  delivered: boolean;
}

// "address" in names stands for the receiver's address.
const CASES: Case[] = [
  {
    what: "a name in the SAN",
    host: "garden.test",
    cn: "x",
    san: "DNS:garden.test",
    signed: "authority",
    delivered: true,
  },
  {
    what: "a name as CN, no SAN",
    host: "garden.test",
    cn: "garden.test",
    signed: "authority",
    delivered: true,
  },
  {
    what: "a name as CN, another in the SAN",
    host: "garden.test",
    cn: "garden.test",
    san: "DNS:other.test",
    signed: "authority",
    delivered: false,
  },
  {
    what: "a wildcard",
    host: "garden.test",
    cn: "x",
    san: "DNS:*.test",
    signed: "authority",
    delivered: false,
  },
  {
    what: "a wildcard one level down",
    host: "my.garden.test",
    cn: "x",
    san: "DNS:*.garden.test",
    signed: "authority",
    delivered: true,
  },
  {
    what: "another name",
    host: "garden.test",
    cn: "other.test",
    san: "DNS:other.test",
    signed: "authority",
    delivered: false,
  },
  {
    what: "self-signed, nothing uploaded",
    host: "garden.test",
    cn: "garden.test",
    signed: "self",
    delivered: false,
  },
  {
    what: "self-signed and uploaded",
    host: "garden.test",
    cn: "garden.test",
    signed: "self",
    upload: "certificate",
    delivered: true,
  },
  {
    what: "an address with an IP SAN",
    host: "address",
    cn: "x",
    san: "IP:address",
    signed: "authority",
    delivered: true,
  },
  {
    what: "an address as CN, nothing uploaded",
    host: "address",
    cn: "address",
    signed: "authority",
    delivered: false,
  },
  {
    what: "an address as DNS SAN, nothing uploaded",
    host: "address",
    cn: "x",
    san: "DNS:address",
    signed: "authority",
    delivered: false,
  },
  {
    what: "uploaded, address as CN",
    host: "address",
    cn: "address",
    signed: "self",
    upload: "certificate",
    delivered: true,
  },
  {
    what: "uploaded, address as CN and IP SAN",
    host: "address",
    cn: "address",
    san: "IP:address",
    signed: "self",
    upload: "certificate",
    delivered: true,
  },
  {
    what: "uploaded, address as DNS SAN",
    host: "address",
    cn: "x",
    san: "DNS:address",
    signed: "self",
    upload: "certificate",
    delivered: true,
  },
  {
    what: "uploaded, a name as CN and an IP SAN",
    host: "address",
    cn: "garden",
    san: "IP:address",
    signed: "self",
    upload: "certificate",
    delivered: false,
  },
  {
    what: "uploaded, address as CN and another DNS SAN",
    host: "address",
    cn: "address",
    san: "DNS:other.test",
    signed: "self",
    upload: "certificate",
    delivered: false,
  },
  {
    what: "an uploaded authority that signed the leaf",
    host: "address",
    cn: "address",
    signed: "authority",
    upload: "authority",
    delivered: true,
  },
];

test.for(CASES)("$what: delivered is $delivered", async (entry) => {
  const address = ownAddress();
  const fill = (text: string): string => text.replace("address", address);
  const certificate = makeCertificate({
    cn: fill(entry.cn),
    ...(entry.san === undefined ? {} : { san: fill(entry.san) }),
    ...(entry.signed === "authority" ? { issuer: testAuthority() } : {}),
  });
  const hook = await startHook(certificate, address);
  const bench = await startBench({ hosts: { [entry.host]: address } });
  const url = `https://${fill(entry.host)}:8443/webhook`;
  const uploads = { certificate: certificate.cert, authority: testAuthority().cert };
  const params = entry.upload === undefined ? { url } : certificateForm({ url }, uploads[entry.upload]);
  expect((await bench.setWebhook(params)).body).toMatchObject({ ok: true });
  await checkDelivery(bench, hook, entry.delivered);
  // An address is never sent as SNI.
  if (entry.delivered)
    expect(hook.deliveries[0]?.servername).toBe(entry.host === "address" ? false : entry.host);
});

test("a webhook with an uploaded certificate trusts nothing else, until a setWebhook without one", async () => {
  const leaf = makeCertificate({ cn: "garden.test", issuer: testAuthority() });
  const other = makeCertificate({ cn: "garden.test" });
  const hook = await startHook(leaf, ownAddress());
  const bench = await startBench({ hosts: { "garden.test": hook.address } });
  const url = "https://garden.test:8443/webhook";
  await bench.setWebhook(certificateForm({ url }, other.cert));
  expect(await bench.info()).toMatchObject({ has_custom_certificate: true });
  await checkDelivery(bench, hook, false);
  await bench.setWebhook({ url });
  expect(await bench.info()).toMatchObject({ has_custom_certificate: false });
  await hook.received(1);
});

test("the sandbox's authority is trusted only when the sandbox gives it, and can be exchanged", async () => {
  const second = makeCertificate({ cn: "Second authority", ca: true });
  const hook = await startHook(makeCertificate({ cn: "garden.test", issuer: second }), ownAddress());
  const bench = await startBench({ hosts: { "garden.test": hook.address } });
  const url = "https://garden.test:8443/webhook";
  await bench.setWebhook({ url });
  await checkDelivery(bench, hook, false);
  await bench.telegram.setExtraCa({ file: second.file });
  await bench.setWebhook({ url, max_connections: 2 });
  await hook.received(1);
  await expect(bench.telegram.setExtraCa({ file: second.keyFile })).rejects.toThrow(
    /holds no certificate in PEM form/,
  );
});

test("a certificate that is out of date is refused", async () => {
  const certificate = makeCertificate({ cn: "garden.test", issuer: testAuthority(), days: -1 });
  const hook = await startHook(certificate, ownAddress());
  const bench = await startBench({ hosts: { "garden.test": hook.address } });
  await bench.setWebhook({ url: "https://garden.test:8443/webhook" });
  await checkDelivery(bench, hook, false);
});

test("a leaf whose intermediate is not served is refused, with it served it is taken", async () => {
  const middle = makeCertificate({ cn: "Intermediate", ca: true, issuer: testAuthority() });
  const leaf = makeCertificate({ cn: "garden.test", issuer: middle });
  const address = ownAddress();
  const bench = await startBench({ hosts: { "garden.test": address } });
  const url = "https://garden.test:8443/webhook";
  const bare = await startReceiver(leaf, undefined, { address });
  await bench.setWebhook({ url });
  await checkDelivery(bench, bare, false);
  await bare.close();
  const full = await startHook({ ...leaf, cert: leaf.cert + middle.cert }, address);
  await bench.setWebhook({ url, max_connections: 2 });
  await full.received(1);
});

test("TLS 1.1 is not spoken, TLS 1.2 and 1.3 are", async () => {
  const certificate = makeCertificate({ cn: "garden.test", issuer: testAuthority() });
  const tls = { ciphers: "DEFAULT@SECLEVEL=0" };
  for (const [version, delivered] of [
    ["TLSv1.1", false],
    ["TLSv1.2", true],
    ["TLSv1.3", true],
  ] as const) {
    const address = ownAddress();
    const hook = await startReceiver(certificate, undefined, {
      address,
      minVersion: version,
      maxVersion: version,
      ...tls,
    });
    atEnd(() => hook.close());
    const bench = await startBench({ hosts: { "garden.test": address } });
    await bench.setWebhook({ url: "https://garden.test:8443/webhook" });
    await checkDelivery(bench, hook, delivered, /^SSL error \{error:/);
  }
});

test("an uploaded file that is no certificate is refused", async () => {
  const bench = await startBench({ hosts: { "garden.test": "127.0.0.1" } });
  const form = certificateForm(
    { url: "https://garden.test:8443/" },
    "-----BEGIN CERTIFICATE-----\nnonsense\n",
  );
  expect((await bench.setWebhook(form)).body).toMatchObject({
    error_code: 400,
    description: "Bad Request: bad webhook: Failed to set custom certificate file",
  });
  expect(await bench.info()).toMatchObject({ url: "", has_custom_certificate: false });
});

test("a certificate that is no file is ignored, as Telegram does", async () => {
  const certificate = makeCertificate({ cn: "garden.test" });
  const hook = await startHook(certificate, ownAddress());
  const bench = await startBench({ hosts: { "garden.test": hook.address } });
  await bench.setWebhook({ url: "https://garden.test:8443/", certificate: certificate.cert });
  expect(await bench.info()).toMatchObject({ has_custom_certificate: false });
});

async function startHook(certificate: Certificate, address: string): Promise<Receiver> {
  const hook = await startReceiver(certificate, undefined, { address });
  atEnd(() => hook.close());
  return hook;
}

async function checkDelivery(
  bench: Bench,
  hook: Receiver,
  delivered: boolean,
  error: string | RegExp = VERIFY_FAILED,
): Promise<void> {
  await bench.say("hello");
  if (delivered) {
    await hook.received(1);
    return;
  }
  await bench.until("the error is known", async () => "last_error_message" in (await bench.info()));
  const message = (await bench.info()).last_error_message;
  if (typeof error === "string") expect(message).toBe(error);
  else expect(message).toMatch(error);
  expect(hook.deliveries).toHaveLength(0);
}
