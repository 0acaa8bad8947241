import { X509Certificate } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import { acmeFiles } from "../../../sandbox/acme/background.ts";
import { EdgeGarden } from "../support/edge-bots.ts";
import { findings, type Scan, scan } from "../support/tls-scan.ts";

/** Mozilla's guideline 6.0, intermediate (ssl-config.mozilla.org/guidelines/6.0.json). */
const mozilla = {
  tls12: [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ],
  tls13: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
  // As sslyze names them: X25519, prime256v1, secp384r1. It does not know X25519MLKEM768.
  curves: ["X25519", "secp256r1", "secp384r1"],
  hybrid: "X25519MLKEM768",
};

describe("TLS as a scanner and a careful client see it", () => {
  let garden: EdgeGarden;
  let found: Scan;
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    const { address, state } = garden;
    found = await scan(
      { name: state.domain, address, authorityFile: acmeFiles(state.id).issuers },
      console.log,
    );
  });

  const openssl = (suites: Scan["tls_1_2_cipher_suites"]) =>
    suites.accepted_cipher_suites.map(({ cipher_suite }) => cipher_suite.openssl_name).sort();

  /** Shakes hands and gives what `look` sees. */
  function handshake<T>(options: ConnectionOptions, look: (socket: TLSSocket) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: garden.address,
        port: 443,
        servername: garden.state.domain,
        rejectUnauthorized: false,
        ...options,
      });
      socket.on("error", reject);
      const seen = async () => {
        try {
          resolve(await look(socket));
        } catch (error) {
          reject(error);
        } finally {
          socket.destroy();
        }
      };
      socket.on("secureConnect", () => void seen());
    });
  }

  test("the scanner complains of nothing", () => expect(findings(found)).toEqual([]));

  test("protocols and ciphers are exactly Mozilla's intermediate ones that fit the key", () => {
    const tls12 = mozilla.tls12.filter((name) => name.includes("-ECDSA-"));
    expect(openssl(found.tls_1_2_cipher_suites)).toEqual(tls12.sort());
    expect(openssl(found.tls_1_3_cipher_suites)).toEqual([...mozilla.tls13].sort());
    for (const suites of [found.ssl_2_0_cipher_suites, found.ssl_3_0_cipher_suites]) {
      expect(suites.is_tls_version_supported).toBe(false);
    }
    expect(found.tls_1_0_cipher_suites.is_tls_version_supported).toBe(false);
    expect(found.tls_1_1_cipher_suites.is_tls_version_supported).toBe(false);
  });

  test("groups are Mozilla's, the post-quantum one where the image's OpenSSL has it", async () => {
    const curves = found.elliptic_curves.supported_curves.map(({ name }) => name);
    expect(curves.sort()).toEqual([...mozilla.curves].sort());
    const built = await garden.onHost("docker exec botgarden-edge nginx -V 2>&1");
    const [, major, minor] =
      /with OpenSSL (\d+)\.(\d+)/.exec(built.replace(/^.*running with/s, "with")) ?? [];
    const hybrid = Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 5);
    const only = { ecdhCurve: mozilla.hybrid, minVersion: "TLSv1.3" as const };
    const shaken = handshake(only, (socket) => socket.getProtocol());
    if (hybrid) expect(await shaken).toBe("TLSv1.3");
    else await expect(shaken).rejects.toThrow();
  });

  test("TLS 1.1 is refused, 1.2 and 1.3 are spoken", async () => {
    const ancient = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
    await expect(handshake(ancient, (socket) => socket.getProtocol())).rejects.toThrow(/version/i);
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const only = { minVersion: version, maxVersion: version };
      expect(await handshake(only, (socket) => socket.getProtocol())).toBe(version);
    }
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("a session of %s is resumed", async (version) => {
    const only = { minVersion: version, maxVersion: version };
    const session = await handshake(only, (socket) => {
      if (version === "TLSv1.2") return socket.getSession();
      // TLS 1.3 gives it after the handshake.
      return new Promise<Buffer>((resolve) => socket.once("session", resolve));
    });
    expect(session).toBeDefined();
    const reused = await handshake({ ...only, ...(session === undefined ? {} : { session }) }, (socket) =>
      socket.isSessionReused(),
    );
    expect(reused).toBe(true);
  });

  test("HTTP/2 is offered and spoken", async () => {
    const chosen = await handshake({ ALPNProtocols: ["h2", "http/1.1"] }, (socket) => socket.alpnProtocol);
    expect(chosen).toBe("h2");
    const status = await new Promise((resolve, reject) => {
      const options = { servername: garden.state.domain, rejectUnauthorized: false };
      const session = connectHttp2(`https://${garden.address}`, options);
      session.on("error", reject);
      const stream = session.request({ ":path": "/healthz", ":authority": garden.state.domain });
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.on("close", () => session.close());
      stream.resume();
    });
    expect(status).toBe(200);
  });

  test("the whole chain is served, in order, without its root", () => {
    const [deployment] = found.certificate_info.certificate_deployments;
    const chain = (deployment?.received_certificate_chain ?? []).map(
      ({ as_pem }) => new X509Certificate(as_pem),
    );
    expect(chain.length).toBeGreaterThanOrEqual(2);
    for (const [index, certificate] of chain.entries()) {
      const issuer = chain[index + 1];
      if (issuer !== undefined) expect(certificate.verify(issuer.publicKey)).toBe(true);
      expect(certificate.subject, "the root").not.toBe(certificate.issuer);
    }
    expect(chain[0]?.checkHost(garden.state.domain)).toBe(garden.state.domain);
  });

  test("browsers are told to stay with HTTPS, for this name alone", () => {
    expect(found.http_headers.strict_transport_security_header).toMatchObject({
      max_age: 63_072_000,
      include_subdomains: false,
    });
  });
});
