import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Fault } from "../settings/fault.ts";
import { certificatesIn } from "../settings/pem.ts";
import { shown } from "../settings/shown.ts";
import type { StackSettings } from "../settings/stack.ts";
import { chainProblems, isSelfSigned } from "./certificate-chain.ts";
import { readUserFile } from "./user-file.ts";

/** The operator's own certificate, for `certificate.source` "files". */
export interface OwnCertificate {
  /** PEM: the certificate, followed by what leads to its root; nothing else. */
  readonly chain: string;
  /** PEM (PKCS #8). Secret. */
  readonly key: pulumi.Output<string>;
  /**
   * PEM of the self-signed certificate at the chain's end, if it is there: what Telegram has to be given if it
   * doesn't know this root.
   */
  readonly root?: string;
}

/** Where the stack's settings are, and what they say of the certificate. */
export interface OwnCertificateArgs {
  readonly settings: Pick<StackSettings, "certificate" | "publicName">;
  /** The secret `botgarden:certificateKey` in clear, if it is set. */
  readonly key: string | undefined;
  /** Whether the key is stored encrypted. */
  readonly keyIsSecret: boolean;
  /** The stack's file as messages name it. */
  readonly where: string;
  /** The project's folder, to which the chain's file is relative. */
  readonly folder: string;
  /** Default now. */
  readonly now?: Date;
}

/** What was read, with all faults; a warning is a sentence. */
export interface OwnCertificateRead {
  readonly certificate?: OwnCertificate;
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

const CHAIN = "botgarden:certificate.chainFile";
const KEY = "botgarden:certificateKey";
const SET_KEY = `Set it with: pulumi config set --secret ${KEY} < privkey.pem`;
const MOST_BYTES = 100_000;
/** Enough time to get another one before Telegram refuses this one. */
const WARNING_DAYS = 7;
const DAY_MILLISECONDS = 86_400_000;

/**
 * Reads and checks the operator's certificate and key, if the settings name them: that a server can serve them,
 * that they belong together, and that they are for the garden's names. No message ever holds a part of the key.
 */
export function readOwnCertificate(args: OwnCertificateArgs): OwnCertificateRead {
  const { settings, where } = args;
  const { certificate } = settings;
  if (certificate.source !== "files") return { faults: unusedKey(args), warnings: [] };
  const now = args.now ?? new Date();
  const fault = (path: string, problem: string, fix: string): Fault => ({ where, path, problem, fix });
  const { chain, problems } = readChain(args, certificate, now);
  const key = readKey(args);
  const faults = problems.map((problem) => fault(CHAIN, problem, chainFix(problem)));
  const server = chain?.[0];
  if (typeof key === "string") {
    faults.push(fault(KEY, key, SET_KEY));
  } else if (chain !== undefined && !chain.some((each) => each.checkPrivateKey(key))) {
    const problem = `is not the key of the certificate in ${shown(certificate.chainFile)}`;
    faults.push(fault(KEY, problem, SET_KEY));
  }
  if (faults.length > 0 || chain === undefined || server === undefined || typeof key === "string") {
    return { faults, warnings: [] };
  }
  const root = chain.at(-1);
  return {
    certificate: {
      chain: chain.map(String).join(""),
      key: pulumi.secret(key.export({ type: "pkcs8", format: "pem" }).toString()),
      ...(root !== undefined && isSelfSigned(root) ? { root: String(root) } : {}),
    },
    faults,
    warnings: warningsOf(server, now),
  };
}

function unusedKey({ key, where }: OwnCertificateArgs): Fault[] {
  if (key === undefined) return [];
  const problem = 'is given, but botgarden:certificate.source is not "files"';
  return [{ where, path: KEY, problem, fix: `Remove it with: pulumi config rm ${KEY}` }];
}

function readChain(
  { settings, folder }: OwnCertificateArgs,
  { chainFile, extraDomains }: { readonly chainFile: string; readonly extraDomains: readonly string[] },
  now: Date,
): { chain?: readonly X509Certificate[]; problems: readonly string[] } {
  const about = (problem: string): string => `names ${shown(chainFile)}, which ${problem}`;
  const file = readUserFile(chainFile, folder, MOST_BYTES);
  if (file.problem !== undefined) return { problems: [about(file.problem)] };
  const chain = certificatesIn(file.text);
  if (typeof chain === "string") return { problems: [about(chain)] };
  const { publicName } = settings;
  return { chain, problems: chainProblems(chain, { publicName, extraDomains, now }).map(about) };
}

function chainFix(problem: string): string {
  if (problem.includes("private key")) {
    return `Leave only the certificates in it; the key belongs in ${KEY}, set with: pulumi config set --secret ${KEY} < privkey.pem`;
  }
  return "It must hold the garden's certificate first, then the one that signed it, and so on, as in certbot's fullchain.pem.";
}

/** The key, or what is wrong with it in words that follow its name. */
function readKey({ key, keyIsSecret }: OwnCertificateArgs): KeyObject | string {
  if (key === undefined || key.trim() === "") return "is missing";
  if (!keyIsSecret) {
    return "was set without --secret and can be read in the stack's file, so if the file was shared, a new key and certificate are needed";
  }
  try {
    return createPrivateKey({ key, format: "pem" });
  } catch {
    // What openssl says of a key is of no use to a reader, and could say too much.
    return key.includes("ENCRYPTED") ? "has a passphrase" : "is not a private key in PEM";
  }
}

function warningsOf(server: X509Certificate, now: Date): string[] {
  const days = Math.floor((server.validToDate.getTime() - now.getTime()) / DAY_MILLISECONDS);
  if (days >= WARNING_DAYS) return [];
  const left = days === 1 ? "1 day" : `${days} days`;
  const end = server.validToDate.toISOString().slice(0, 10);
  return [
    `${CHAIN}: the certificate ends in ${left}, on ${end}. Get a new one, put its chain into the file, set ${KEY} and run pulumi up.`,
  ];
}
