/**
 * certbot's loop on a real host issues a certificate anew, whatever happened to the last one. (One with a life of
 * minutes is renewed in `test/e2e/certificates`.)
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { AcmeClient } from "../../sandbox/acme/client.ts";
import { CertificateHost, type CertificateRequest, requestTo, until } from "./support/host.ts";

const host = new CertificateHost(["bots.test", "extra.test"]);
let acme: AcmeClient;
let request: CertificateRequest;
const patience = 300_000;
const folder = "/etc/botgarden/certificates";
const state = "/var/lib/botgarden/acme";

beforeAll(async () => {
  await host.create(["certbot/certbot:v5.5.0"]);
  acme = await host.startAuthority();
  request = await requestTo(acme);
}, 900_000);
afterAll(() => host.remove(), patience);
afterEach(() => acme.setMode({ mode: "pass" }));

async function begin(id: string, changes: Partial<CertificateRequest> = {}): Promise<void> {
  await host.run("docker rm --force botgarden-certbot 2>&1");
  await host.begin(id, { ...request, ...changes });
}

async function obtain(id: string): Promise<string> {
  const { code, stderr } = await host.obtain(id, "bots.test");
  expect(code, stderr).toBe(0);
  return stderr;
}

/** The next serial that the edge serves. */
function another(serial: string, seconds = 150): Promise<string> {
  return until(
    "another certificate",
    async () => {
      const now = await host.served("bots.test");
      expect(now, "the edge serves none").not.toBe("");
      return now === serial ? undefined : now;
    },
    seconds,
  );
}

const serialOf = async (path: string) =>
  (await host.run(`openssl x509 -noout -serial -in ${path}`)).replace("serial=", "");

describe("a certificate of three months", () => {
  test("is renewed early when the authority asks for it", { timeout: patience }, async () => {
    await begin("bbbb0001", { domains: ["bots.test", "extra.test"] });
    await obtain("bbbb0001");
    const before = await host.served("bots.test");
    await acme.renewAll();
    await host.run(
      `sed -i /ari_retry_after/d ${state}/renewal/garden-bbbb0001.conf; rm ${state}/garden/journal.json`,
    );
    await host.run("docker exec botgarden-certbot python3 /garden/certbot-issue loop");
    await another(before, 60);
  });

  test.for([
    ["was emptied", `rm -rf ${state}/*`],
    ["is gone", `rm -rf ${state}`],
  ])(
    "is issued again in the background when the ACME state %s",
    { timeout: patience },
    async ([, destroy = ""]) => {
      const before = await host.look("bbbb0001", "bots.test");
      await host.run(destroy);
      expect(await host.look("bbbb0001", "bots.test")).toMatchObject({
        serial: before.serial,
        served: "yes",
      });
      const now = await another(before.serial, 150);
      expect(await serialOf(`${state}/live/garden-bbbb0001/cert.pem`)).toBe(now);
    },
  );

  test("is issued again by `up` when the ACME state is gone", { timeout: patience }, async () => {
    const before = await host.served("bots.test");
    await host.run(`rm -rf ${state}`);
    await host.start("bbbb0001", { ...request, domains: ["bots.test", "extra.test"] });
    expect(await host.served("bots.test")).toBe(before);
    await obtain("bbbb0001");
    expect(await host.served("bots.test")).not.toBe(before);
  });
});

describe("what a killed run or a full disk left", () => {
  const conf = `${state}/renewal/garden-bbbb0001.conf`;
  const live = `${state}/live/garden-bbbb0001`;
  const archive = `${state}/archive/garden-bbbb0001`;
  const mine = `${folder}/bbbb0001`;

  test.for([
    ["a certificate without its settings", `rm ${conf}`],
    ["empty settings", `: >${conf}`],
    ["half the links", `rm ${live}/fullchain.pem`],
    ["links to nothing", `rm ${archive}/*`],
    ["an empty key", `: >$(readlink -f ${live}/privkey.pem)`],
    [
      "a key of another certificate",
      `openssl genpkey -algorithm RSA -out $(readlink -f ${live}/privkey.pem)`,
    ],
    ["half a journal", `printf '{"a' >${state}/garden/journal.json`],
    ["a journal of something else", `echo '[1]' >${state}/garden/journal.json`],
    [
      "an account without its key",
      `rm ${state}/accounts/*/*/*/private_key.json; rm -r ${live} ${archive} ${conf}`,
    ],
    [
      "two accounts",
      `cd ${state}/accounts/*/* && cp -a "$(dirname */private_key.json)" aaaa && rm -r ${live} ${archive} ${conf}`,
    ],
    [
      "half a new folder for the edge",
      `mkdir ${mine}/v-abc; : >${mine}/v-abc/privkey.pem; ln -s v-abc ${mine}/current.new`,
    ],
    ["no folder for the edge", `rm -r ${mine}`],
    ["a link that leads nowhere", `rm -r ${mine}/v-*`],
    ["an empty certificate for the edge", `: >${mine}/current/fullchain.pem`],
  ])("is no hindrance: %s", { timeout: patience }, async ([, damage = ""]) => {
    await host.run(damage);
    await host.start("bbbb0001", { ...request, domains: ["bots.test", "extra.test"] });
    await obtain("bbbb0001");
    const serial = await serialOf(`${mine}/current/fullchain.pem`);
    expect(await serialOf(`${live}/cert.pem`)).toBe(serial);
    expect(await host.served("bots.test")).toBe(serial);
    expect(await host.folder(mine)).toHaveLength(5);
  });

  test("is cleared away by the next run, wherever certbot was killed", { timeout: 600_000 }, async () => {
    for (let step = 0; step < 8; step += 1) {
      await host.run(`rm -rf ${live} ${archive} ${conf} ${step % 2 ? `${state}/accounts` : ""}`);
      const asked = host.obtain("bbbb0001", "bots.test");
      await delay(1200 + step * 350);
      await host.run("docker kill botgarden-certbot; docker start botgarden-certbot");
      await asked;
    }
    await obtain("bbbb0001");
    expect(await host.served("bots.test")).toBe(await serialOf(`${live}/cert.pem`));
    expect(await host.folder(mine)).toHaveLength(5);
    expect(
      await host.run(
        "ls /var/lib/botgarden/acme-challenges/.well-known/acme-challenge | grep -c botgarden || true",
      ),
    ).toBe("0");
  });
});

test("an authority that was made anew is asked again", { timeout: patience }, async () => {
  const before = await host.served("bots.test");
  acme = await host.startAuthority();
  request = { ...request, authority: (await acme.roots()).authority };
  await host.start("bbbb0001", { ...request, domains: ["bots.test", "extra.test"] });
  const said = await obtain("bbbb0001");
  expect(said).toContain("the CA is another one now");
  expect(said).toContain("the CA does not know the account any more");
  expect(await host.served("bots.test")).not.toBe(before);
  expect((await acme.certificates()).map(({ serial }) => serial)).toEqual([await host.served("bots.test")]);
});
