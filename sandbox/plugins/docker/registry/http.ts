/** Requests to registries, with faults in the words of Go's net/http, since the official plugin shows those. */
import { readFileSync } from "node:fs";
import { request as plainRequest, STATUS_CODES } from "node:http";
import { request as secureRequest } from "node:https";
import { getCACertificates } from "node:tls";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  /** `404 Not Found` */
  readonly statusText: string;
  /** The header Docker-Content-Digest. */
  readonly digest: string | undefined;
  /** The header WWW-Authenticate. */
  readonly challenge: string | undefined;
  readonly body: Buffer;
}

interface Question {
  readonly method: "GET" | "HEAD";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends a request. Like Go, it trusts what the machine trusts, or the file in SSL_CERT_FILE alone. */
export function send({ method, url, headers }: Question): Promise<Answer> {
  const target = new URL(url);
  const secure = target.protocol === "https:";
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const verb = method === "HEAD" ? "Head" : "Get";
      reject(new Error(`${verb} "${url}": ${faultText(error, target)}`));
    };
    const options = { method, headers, agent: false, ...(secure ? { ca: trusted() } : {}) };
    const request = (secure ? secureRequest : plainRequest)(target, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", fail);
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        const digest = response.headers["docker-content-digest"];
        resolve({
          status,
          statusText: `${status} ${response.statusMessage || (STATUS_CODES[status] ?? "")}`,
          digest: typeof digest === "string" && digest !== "" ? digest : undefined,
          challenge: response.headers["www-authenticate"],
          body: Buffer.concat(chunks),
        });
      });
    });
    request.on("error", fail).end();
  });
}

function trusted(): string[] {
  const file = process.env.SSL_CERT_FILE;
  if (file !== undefined && file !== "") return [readFileSync(file, "utf8")];
  return [...getCACertificates("default"), ...getCACertificates("system")];
}

function faultText(error: NodeJS.ErrnoException, { hostname, port, protocol }: URL): string {
  const address = `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
  switch (error.code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `dial tcp ${address}: connect: no route to host`;
    case "ETIMEDOUT":
      return `dial tcp ${address}: i/o timeout`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${hostname}: no such host`;
    case "ECONNRESET":
      return "EOF";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    default:
      return error.message;
  }
}
