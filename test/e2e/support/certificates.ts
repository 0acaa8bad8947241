import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { acmeFiles } from "../../../sandbox/acme/background.ts";
import { AcmeClient } from "../../../sandbox/acme/client.ts";
import type { Garden } from "./garden.ts";

/** The ACME authority of a garden's sandbox. */
export function acmeOf(garden: Garden): AcmeClient {
  return AcmeClient.fromPortFile(acmeFiles(garden.state.id).port);
}

/** The certificate that the edge shows to who calls it by this name. */
export function servedTo(garden: Garden, name: string): Promise<X509Certificate> {
  const { address } = garden.state.host;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host: address, port: 443, rejectUnauthorized: false },
      ...(isIP(name) === 0 ? { servername: name } : {}),
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(new X509Certificate(socket.getPeerCertificate(true).raw));
      socket.end();
    });
  });
}

/** What the host knows of the certificate that is to be served. */
export interface Look {
  readonly source: string;
  readonly serial: string;
  readonly served: string;
  readonly lastFailure: { readonly reason: string } | null;
}

/** Asks the host as the program does at the end of `up`. */
export async function look(garden: Garden): Promise<Look> {
  const site = JSON.parse(await garden.onHost("cat /etc/botgarden/edge/current/site.json"));
  const { certificate, name, port }: { certificate: string; name: string; port: string } = site;
  const facts: Look = JSON.parse(
    await garden.onHost(`/opt/botgarden/bin/certificate look ${certificate} ${name} ${port}`),
  );
  return facts;
}

/** Changes the stack's settings: paths without `botgarden:`; `undefined` removes one. */
export async function configure(
  garden: Garden,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const [path, value] of Object.entries(changes)) {
    const key = `botgarden:${path}`;
    const args = value === undefined ? ["rm", "--path", key] : ["set", "--path", key, "--", value];
    const { code, output } = await garden.pulumi("config", ...args);
    if (code !== 0) throw new Error(`pulumi config ${args.join(" ")}:\n${output}`);
  }
}
