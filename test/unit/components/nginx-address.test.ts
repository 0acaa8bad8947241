/** What real nginx programs answer in a garden that has an address and no domain. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commonNameOf, edge, handshake, webhookOf } from "../support/nginx-edge.ts";
import { nginxVersions } from "../support/nginxes.ts";

describe.for(nginxVersions)("an address on %s", (reference) => {
  const address = "203.0.113.10";
  const { tree, get } = edge(reference, (port) => ({
    site: { kind: "ip", names: [address], httpsPort: 8443 },
    routes: [{ bot: "hello", container: "hello-0a1b2c3", webhook: webhookOf(port), pages: undefined }],
  }));

  test("whoever names no server or any other gets the certificate, as Telegram names none", async () => {
    const { https } = tree().ports;
    for (const name of ["", "evil.example.com"]) {
      expect(commonNameOf(await handshake(https, name)), name).toBe("the edge");
    }
    const telegram = { headers: { host: `${address}:8443` }, servername: "" };
    expect((await get({ path: "/webhook/hello", method: "POST", ...telegram })).status).toBe(200);
  });

  test("but another Host is told that it is wrong here", async () => {
    for (const host of ["evil.example.com", "127.0.0.1"]) {
      const { status, body } = await get({ path: "/healthz", headers: { host }, servername: "" });
      expect(status, host).toBe(421);
      expect(body, host).not.toBe("ok\n");
      await expect(get({ headers: { host }, plain: true }), host).rejects.toThrow(/hang up|ECONNRESET/);
    }
  });

  test("certbot's answers are there, and plain HTTP leads to the public port", async () => {
    const path = "/.well-known/acme-challenge/token";
    writeFileSync(join(tree().challenges, path), "the answer");
    for (const host of [address, "evil.example.com"]) {
      expect((await get({ path, headers: { host }, plain: true })).body, host).toBe("the answer");
    }
    const { headers } = await get({ path: "/x", headers: { host: address }, plain: true });
    expect(headers.location).toBe(`https://${address}:8443/x`);
  });

  test("an address has no HSTS, and there is no page unless one is given", async () => {
    const { status, headers } = await get({ headers: { host: address }, servername: "" });
    expect(status).toBe(404);
    expect(headers["strict-transport-security"]).toBeUndefined();
  });
});
