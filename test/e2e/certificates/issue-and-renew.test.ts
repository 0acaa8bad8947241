import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { AcmeClient } from "../../../sandbox/acme/client.ts";
import { acmeOf, configure, look, servedTo } from "../support/certificates.ts";
import { EdgeGarden } from "../support/edge-bots.ts";
import { eventually } from "../support/eventually.ts";
import { expectNothingRefused, inWords, underLoad } from "../support/under-load.ts";

describe("a certificate from an ACME authority", () => {
  let garden: EdgeGarden;
  let acme: AcmeClient;
  const name = "garden.test";
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    acme = acmeOf(garden);
  });

  // Whatever a test found: the next one has an authority that works, and the settings of the first.
  afterEach(async () => {
    await acme.setMode({ mode: "pass" });
    await garden.pulumi("config", "rm", "--path", "botgarden:certificate.extraDomains");
  });

  test("was issued during the first up, and the stack tells by whom and until when", async () => {
    const served = await servedTo(garden, name);
    expect(served.checkHost(name)).toBe(name);
    const { code, output } = await garden.pulumi("stack", "output", "certificate", "--json");
    expect(code, output).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      issuer: expect.stringContaining("Pebble"),
      names: [name],
      serial: served.serialNumber,
      expires: new Date(served.validTo).toISOString().replace(".000", ""),
    });
  });

  test("a name that does not resolve: up says so and asks no authority; the old name goes on", async () => {
    await acme.reset();
    await configure(garden, { domain: "nowhere.test" });
    const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(code).not.toBe(0);
    expect(output).toMatch(/no certificate for nowhere\.test: DNS has no IPv4 address for nowhere\.test/);
    expect(await acme.counts()).toMatchObject({ newOrders: 0 });
    await underLoad(garden, { bot: "steady", rate: 20 }, () => configure(garden, { domain: name }));
    await garden.up();
    expect(await acme.counts()).toMatchObject({ newOrders: 0 });
  });

  test("an authority that refuses for now (429): up says until when, blind runs do not ask again", async () => {
    await acme.reset();
    await acme.setMode({ mode: "busy", retryAfter: 3600 });
    await configure(garden, { "certificate.extraDomains[0]": "www.garden.test" });
    for (const _ of ["first", "blind second", "blind third"]) {
      const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
      expect(code).not.toBe(0);
      expect(output).toMatch(/no certificate for garden\.test: .*next try is possible at/s);
    }
    expect((await acme.counts()).newOrders).toBeLessThanOrEqual(1);
    expectNothingRefused(await underLoad(garden, { bot: "steady", rate: 20 }, () => look(garden)));
  });

  test("an authority that works again changes nothing for the name that has its certificate", async () => {
    await garden.up();
    expect((await servedTo(garden, name)).subjectAltName).toBe(`DNS:${name}`);
  });

  test("an authority that is down does not stop an up while the certificate is good", async () => {
    await acme.setMode({ mode: "down" });
    await garden.onHost("mv /var/lib/botgarden/acme /var/lib/botgarden/acme.away");
    const before = await servedTo(garden, name);
    const { output } = await garden.up("--replace", "**::certificate-issued");
    expect(output).toMatch(/WARNING: no new certificate for garden\.test: .*cannot be reached/s);
    expect((await servedTo(garden, name)).serialNumber).toBe(before.serialNumber);
    await garden.onHost("rm -rf /var/lib/botgarden/acme.away");
    await acme.setMode({ mode: "pass" });
  });

  test("after its state was deleted, the next up makes it ask anew, and the edge takes the new one", async () => {
    const before = await servedTo(garden, name);
    await garden.onHost("rm -rf /var/lib/botgarden/acme");
    await garden.up();
    await eventually(async () =>
      expect((await servedTo(garden, name)).serialNumber).not.toBe(before.serialNumber),
    );
    await garden.up();
    expect(await look(garden)).toMatchObject({ source: "issued", served: "yes" });
  });

  test("one with a life of minutes is renewed under load, though the authority is down when it is due", async () => {
    await configure(garden, { "certificate.profile": "minutes" });
    await garden.up();
    const before = await servedTo(garden, name);
    await acme.setMode({ mode: "down" });
    const report = await underLoad(garden, { bot: "steady", rate: 50 }, async () => {
      await eventually(async () => expect((await look(garden)).lastFailure).not.toBeNull(), 170_000);
      await acme.setMode({ mode: "pass" });
      await eventually(
        async () => expect((await servedTo(garden, name)).serialNumber).not.toBe(before.serialNumber),
        90_000,
      );
    });
    expectNothingRefused(report);
    console.log(`renewed while the authority was down and came back: ${inWords(report)}`);
    await configure(garden, { "certificate.profile": undefined });
    await garden.up();
  });
});
