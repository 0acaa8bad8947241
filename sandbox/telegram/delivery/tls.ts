import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { WebhookRefused } from "../errors.ts";

/** Telegram documents TLS 1.2 and newer. */
const LEAST_VERSION = "TLSv1.2";

/**
 * Whom the sender trusts: the system's roots and the sandbox's own authority, or, for a webhook with an uploaded
 * certificate, that file alone. Reading about 140 roots takes long, so the common context is made once.
 */
export class Trust {
  #common: SecureContext | undefined;
  #extraCa: string | undefined;

  /** @param extraCaFile - a PEM file with the sandbox's authority */
  constructor(extraCaFile?: string) {
    this.setExtraCa(extraCaFile);
  }

  /** Takes another authority; connections that are open stay open. @throws Error when the file is no certificate */
  setExtraCa(file: string | undefined): void {
    const pem = file === undefined ? undefined : readFileSync(file, "utf8");
    if (pem !== undefined && !isCertificate(pem)) {
      throw new Error(`the extra CA file ${file} holds no certificate in PEM form; give one that does`);
    }
    this.#extraCa = pem;
    this.#common = undefined;
  }

  /** @throws WebhookRefused when the uploaded file is no certificate */
  context(uploaded: string | undefined): SecureContext {
    if (uploaded !== undefined) {
      if (!isCertificate(uploaded)) throw new WebhookRefused("Failed to set custom certificate file");
      return createSecureContext({ ca: uploaded, minVersion: LEAST_VERSION });
    }
    this.#common ??= createSecureContext({
      ca: [...getCACertificates("system"), ...(this.#extraCa === undefined ? [] : [this.#extraCa])],
      minVersion: LEAST_VERSION,
    });
    return this.#common;
  }
}

/**
 * The TLS options of a connection to a webhook.
 *
 * An address as host gets no SNI. Without an uploaded certificate it must stand in the certificate as an IP SAN. With
 * one it is compared as if it were a host name: with the DNS SANs, or with the CN when there are none.
 * Source: tdlib/td, SslStream.cpp (check_ip_address_as_host), WebhookActor::create_ssl_stream.
 */
export function tlsOptions(
  host: string,
  address: string,
  port: number,
  context: SecureContext,
  uploaded: boolean,
) {
  const isAddress = isIP(host) !== 0;
  const options: ConnectionOptions = {
    host: address,
    port,
    secureContext: context,
    rejectUnauthorized: true,
    checkServerIdentity: (_, peer) => {
      const certificate = new X509Certificate(peer.raw);
      const fits = isAddress && !uploaded ? certificate.checkIP(host) : certificate.checkHost(host);
      return fits === undefined ? new NameMismatch(host) : undefined;
    },
    ...(isAddress ? {} : { servername: host }),
  };
  return options;
}

class NameMismatch extends Error {
  readonly code = "ERR_TLS_CERT_ALTNAME_INVALID";
  constructor(host: string) {
    super(`the certificate is not for ${host}`);
  }
}

function isCertificate(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block)).length > 0;
  } catch {
    return false;
  }
}

const SOCKET_ERRORS: Record<string, string> = {
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EPIPE: "Broken pipe",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  ETIMEDOUT: "Connection timed out",
};

/** The codes of Node for a certificate that OpenSSL doesn't accept. */
const CERTIFICATE_ERRORS =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT|ERROR_IN_CERT|CRL_)/;

/** An error of a connection in the words of getWebhookInfo's last_error_message. */
export function describeConnectionError(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (CERTIFICATE_ERRORS.test(code)) {
    return "SSL error {error:0A000086:SSL routines::certificate verify failed}";
  }
  const known = SOCKET_ERRORS[code];
  if (known !== undefined) return known;
  if (/^(ERR_SSL|EPROTO)/.test(code)) {
    const detail = /error:[0-9A-F]+:[^:]*:[^:]*:[^:\n]+/i.exec(error.message)?.[0] ?? code;
    return `SSL error {${detail}}`;
  }
  return error.message;
}
