/** What an old certbot can do and what it cannot, and a certificate for a bare address. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AcmeClient } from "../../sandbox/acme/client.ts";
import {
  type CertbotImage,
  CertificateHost,
  type CertificateRequest,
  requestTo,
  until,
} from "./support/host.ts";

const host = new CertificateHost(["bots.test"]);
let acme: AcmeClient;
let request: CertificateRequest;
const patience = 300_000;

beforeAll(async () => {
  await host.create(["certbot/certbot:v5.5.0", "certbot/certbot:v2.10.0"]);
  acme = await host.startAuthority({ whenNoneIsAsked: "minutes" });
  request = await requestTo(acme);
}, 900_000);
afterAll(() => host.remove(), patience);

async function begin(
  id: string,
  image: CertbotImage,
  changes: Partial<CertificateRequest> = {},
): Promise<void> {
  await host.begin(id, { ...request, ...changes }, image);
}

test("a bare address gets a certificate of the shortlived profile", { timeout: patience }, async () => {
  const { address } = host.host;
  await begin("aaaa0001", "certbot/certbot:v5.5.0", { domains: [], address, profile: "shortlived" });
  const { code, stderr } = await host.obtain("aaaa0001", address);
  expect(code, stderr).toBe(0);
  expect(await host.look("aaaa0001", address)).toMatchObject({
    source: "issued",
    names: [address],
    daysLeft: 6,
    served: "yes",
  });
  expect((await acme.orders()).at(-1)).toMatchObject({ profile: "shortlived" });
});

test("an old certbot is told what it cannot do, and the authority is not asked", {
  timeout: patience,
}, async () => {
  const { newOrders } = await acme.counts();
  const { address } = host.host;
  await begin("aaaa0002", "certbot/certbot:v2.10.0", { domains: [], address });
  expect((await host.obtain("aaaa0002", address)).stderr).toMatch(
    /cannot ask for an address's certificate: set images.certbot/,
  );
  await begin("aaaa0003", "certbot/certbot:v2.10.0", { profile: "shortlived" });
  expect((await host.obtain("aaaa0003", "bots.test")).stderr).toMatch(
    /knows no profiles: set images.certbot/,
  );
  expect((await acme.counts()).newOrders).toBe(newOrders);
});

test("an old certbot issues, keeps and renews a certificate of three minutes", {
  timeout: patience,
}, async () => {
  await begin("aaaa0004", "certbot/certbot:v2.10.0");
  const { code, stderr } = await host.obtain("aaaa0004", "bots.test");
  expect(code, stderr).toBe(0);
  const first = await host.served("bots.test");
  const { newOrders } = await acme.counts();
  expect((await host.obtain("aaaa0004", "bots.test")).code).toBe(0);
  expect((await acme.counts()).newOrders).toBe(newOrders);
  const second = await until(
    "another certificate",
    async () => {
      const now = await host.served("bots.test");
      return now === first || now === "" ? undefined : now;
    },
    150,
  );
  expect((await acme.certificates()).at(-1)?.serial).toBe(second);
});
