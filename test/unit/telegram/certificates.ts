import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A certificate with its key, and the file that holds the certificate. */
export interface Certificate {
  cert: string;
  key: string;
  file: string;
  keyFile: string;
}

/** What a certificate says. */
export interface CertificateOrder {
  cn: string;
  /** Subject alternative names as openssl writes them: "DNS:garden.test,IP:127.0.0.1". */
  san?: string;
  /** Signed by this authority; otherwise by itself. */
  issuer?: Certificate;
  /** Makes it an authority. */
  ca?: boolean;
  /** Valid for so many days from now; -1 makes one that is out of date. @default 2 */
  days?: number;
}

const folder = mkdtempSync(join(tmpdir(), "telegram-certificates-"));
let made = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a certificate with the openssl command. */
export function makeCertificate({ cn, san, issuer, ca = false, days = 2 }: CertificateOrder): Certificate {
  const base = join(folder, String(made++));
  const [file, keyFile] = [`${base}.pem`, `${base}.key`];
  const extensions = [
    `basicConstraints=critical,CA:${ca ? "TRUE" : "FALSE"}`,
    ...(san === undefined ? [] : [`subjectAltName=${san}`]),
  ];
  writeFileSync(`${base}.cnf`, `[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=${cn}\n`);
  writeFileSync(`${base}.ext`, `${extensions.join("\n")}\n`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  openssl("req", "-config", `${base}.cnf`, ...key, "-out", `${base}.csr`);
  const signer =
    issuer === undefined
      ? ["-signkey", keyFile]
      : ["-CA", issuer.file, "-CAkey", issuer.keyFile, "-CAcreateserial"];
  const request = ["-req", "-in", `${base}.csr`, "-extfile", `${base}.ext`, "-out", file];
  openssl("x509", ...request, "-days", String(days), ...signer);
  return { cert: readFileSync(file, "utf8"), key: readFileSync(keyFile, "utf8"), file, keyFile };
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
