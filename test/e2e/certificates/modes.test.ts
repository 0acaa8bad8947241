import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../sandbox/engine/docker.ts";
import type { NumberedBotReport } from "../../../sandbox/telegram/numbered-api.ts";
import { configure, look, servedTo } from "../support/certificates.ts";
import { EdgeGarden } from "../support/edge-bots.ts";
import { expectNothingRefused, inWords, underLoad } from "../support/under-load.ts";

/**
 * Telegram trusts either the public roots or the uploaded file, and compares an address differently then; so each way from
 * one kind of certificate to another is one of its own.
 */
describe("the kinds of certificate, and the ways between them", () => {
  let garden: EdgeGarden;
  const name = "garden.test";
  let address: string;
  let acme: Record<string, string>;
  // Its root stays known, as Let's Encrypt's always are: the garden comes from there, or will turn to it.
  const noAcme = { "certificate.directory": undefined };

  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    address = garden.state.host.address;
    const { code, output } = await garden.pulumi(
      "config",
      "get",
      "--path",
      "botgarden:certificate.authority",
    );
    expect(code, output).toBe(0);
    acme = { "certificate.directory": garden.state.acmeDirectory, "certificate.authority": output.trim() };
  }, 900_000);

  /** Changes the settings and brings them up while updates come. */
  const change = async (
    what: string,
    settings: Record<string, string | undefined>,
  ): Promise<NumberedBotReport> => {
    await configure(garden, settings);
    const report = await underLoad(garden, { bot: "steady", rate: 20 }, () => garden.up());
    console.log(`${what}: ${inWords(report)}`);
    expect(await look(garden)).toMatchObject({ served: "yes" });
    const { code, output } = await garden.pulumi("preview", "--expect-no-changes");
    expect(code, output).toBe(0);
    return report;
  };

  const webhookOf = async (bot: string) =>
    (await garden.telegram.bots()).find((known) => known.name === bot)?.webhook;

  test("domain: Let's Encrypt's kind, to a private authority: no update is refused", async () => {
    const report = await change("public to private, by name", { ...noAcme, "certificate.source": "private" });
    expectNothingRefused(report);
    expect((await servedTo(garden, name)).issuer).toContain("botgarden authority");
  });

  test("a renewed private certificate does not touch the webhooks", async () => {
    const before = await servedTo(garden, name);
    const report = await underLoad(garden, { bot: "steady", rate: 20 }, async () => {
      const { output } = await garden.up("--replace", "**::certificate");
      expect(output).not.toMatch(/steady-webhook/);
    });
    expectNothingRefused(report);
    expect((await servedTo(garden, name)).serialNumber).not.toBe(before.serialNumber);
  });

  test("private to the operator's own files", async () => {
    const authority = ownAuthority(garden.project, name);
    await authority.made;
    await configure(garden, { "certificate.source": "files", "certificate.chainFile": authority.chainFile });
    const { code, output } = await garden.pulumi(
      ...["config", "set", "--secret", "botgarden:certificateKey", "--", await authority.key()],
    );
    expect(code, output).toBe(0);
    await change("private to files, by name", {});
    expect((await servedTo(garden, name)).issuer).toContain("Our own CA");
  });

  test("files to Let's Encrypt's kind", async () => {
    await configure(garden, { certificateKey: undefined, "certificate.chainFile": undefined });
    await change("files to public, by name", { ...acme, "certificate.source": undefined });
    expect((await servedTo(garden, name)).issuer).toContain("Pebble");
  });

  test("a domain to an address, with a private authority: no update is refused", async () => {
    const report = await change("a name to an address", { ...noAcme, domain: undefined, ip: address });
    expectNothingRefused(report);
    expect(await webhookOf("steady")).toBe(`https://${address}/webhook/steady`);
    expect((await servedTo(garden, address)).checkHost(address)).toBe(address);
  });

  test("an address: private to Let's Encrypt's short-lived kind", async () => {
    await change("private to public, by address", { ...acme, "certificate.source": "acme" });
    const served = await servedTo(garden, address);
    expect(served.checkIP(address)).toBe(address);
    const hours = (Date.parse(served.validTo) - Date.parse(served.validFrom)) / 3_600_000;
    expect(Math.round(hours)).toBe(160);
  });

  test("an address to a domain again: no update is refused", async () => {
    const report = await change("an address to a name", {
      ...{ ip: undefined, domain: name, "certificate.source": undefined },
    });
    expectNothingRefused(report);
    expect(await webhookOf("steady")).toBe(`https://${name}/webhook/steady`);
  });
});

/** A certificate that a CA of the operator's own has signed; the chain ends with the CA. */
function ownAuthority(folder: string, name: string) {
  const file = (end: string) => join(folder, `own.${end}`);
  const make = async () => {
    const key = (to: string) => [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      to,
    ];
    await run("openssl", [
      ...["req", "-x509", "-days", "30", "-subj", "/CN=Our own CA", "-out", file("ca.pem")],
      ...key(file("ca.key")),
    ]);
    await run("openssl", [
      ...["req", "-x509", "-days", "30", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
      ...["-addext", "basicConstraints=critical,CA:FALSE", "-CA", file("ca.pem"), "-CAkey", file("ca.key")],
      ...[...key(file("leaf.key")), "-out", file("leaf.pem")],
    ]);
    writeFileSync(file("chain.pem"), await run("cat", [file("leaf.pem"), file("ca.pem")]));
  };
  return { made: make(), chainFile: "own.chain.pem", key: () => run("cat", [file("leaf.key")]) };
}
