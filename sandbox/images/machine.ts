/** What images take over from the operator's machine: its apt mirror, its apt settings, its certificates. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { dockerOrNothing, run } from "../engine/docker.ts";
import { osRelease } from "../engine/packages.ts";

/** What a base image needs to know of the machine. */
export interface Machine {
  /** The Debian mirror that this machine uses; undefined: debootstrap's own default. */
  mirror: string | undefined;
  /** Text of a file for /etc/apt/apt.conf.d. */
  aptConf: string;
  /** Certificates (PEM) that this machine trusts besides Mozilla's. */
  certificates: readonly string[];
  /** Text of /etc/pip.conf. */
  pipConf: string;
}

/** Bundles of the common systems; the first that exists counts. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

let known: Promise<Machine> | undefined;

/** Reads the machine's settings, once per process. */
export function readMachine(): Promise<Machine> {
  known ??= read();
  return known;
}

async function read(): Promise<Machine> {
  return {
    mirror: debianMirror(aptSources(), osRelease()),
    aptConf: await aptConf(),
    certificates: extraCertificates(trustedPem()),
    pipConf: pipConf(process.env),
  };
}

/** The text of all apt source files of this machine, in both formats. */
function aptSources(): string[] {
  const folder = "/etc/apt/sources.list.d";
  const more = existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((name) => join(folder, name))
    : [];
  return ["/etc/apt/sources.list", ...more]
    .filter((path) => /\.(?:list|sources)$/.test(path) && existsSync(path))
    .map((path) => readFileSync(path, "utf8"));
}

/**
 * The Debian mirror among apt's sources: the first that offers this Debian's own suite (not its security or
 * updates). Undefined on another system, Ubuntu's mirrors have no Debian.
 */
export function debianMirror(
  sources: readonly string[],
  os: Readonly<Record<string, string>>,
): string | undefined {
  if (os.ID !== "debian") return undefined;
  const suites = new Set([os.VERSION_CODENAME ?? "", "stable", "testing", "unstable", "sid"]);
  for (const text of sources) {
    for (const entry of [...oneLineEntries(text), ...deb822Entries(text)]) {
      if (entry.suites.some((suite) => suites.has(suite)) && /^https?:/.test(entry.uri)) {
        return entry.uri.replace(/\/+$/, "");
      }
    }
  }
  return undefined;
}

interface Source {
  uri: string;
  suites: string[];
}

/** `deb [options] uri suite component…`; a third party's source has a suite of its own name or none of ours. */
function oneLineEntries(text: string): Source[] {
  return text.split("\n").flatMap((line) => {
    const [, uri, suite] = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+main\b/.exec(line) ?? [];
    return uri !== undefined && suite !== undefined ? [{ uri, suites: [suite] }] : [];
  });
}

function deb822Entries(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] => {
      const match = new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t]+.*)*)`, "im").exec(stanza);
      return (match?.[1] ?? "").split(/\s+/).filter((word) => word !== "" && !word.startsWith("#"));
    };
    const [uri] = field("URIs");
    if (uri === undefined || !field("Types").includes("deb") || field("Enabled")[0] === "no") return [];
    return field("Components").includes("main") ? [{ uri, suites: field("Suites") }] : [];
  });
}

/** Package lists of a mirror may be past their date; proxies of this machine count in the images too. */
async function aptConf(): Promise<string> {
  const lines = ['Acquire::Check-Valid-Until "false";', 'Acquire::Check-Date "false";'];
  const dump = existsSync("/usr/bin/apt-config") ? await run("apt-config", ["dump"]).catch(() => "") : "";
  for (const line of dump.split("\n")) {
    // A proxy on the loopback address is not there inside a container.
    if (/^Acquire::https?::Proxy(?:::\S+)? /.test(line) && !/localhost|127\.0\.0\.1|\[::1\]/.test(line))
      lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

/** All certificates that programs on this machine are told to trust. */
function trustedPem(): string {
  const named = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
    .map((name) => process.env[name])
    .filter((path): path is string => path !== undefined && path !== "");
  const bundle = bundles.find((path) => existsSync(path));
  const files = new Set([...named, ...(bundle === undefined ? [] : [bundle])]);
  return [...files].map((path) => readFile(path)).join("\n");
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Those certificates of a PEM text that Mozilla's list, as Node carries it, does not have; sorted. */
export function extraCertificates(
  pem: string,
  mozilla: readonly string[] = getCACertificates("bundled"),
): string[] {
  const plain = (certificate: string): string => certificate.replace(/\s+/g, "");
  const usual = new Set(mozilla.map(plain));
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const extra = new Map(found.map((certificate) => [plain(certificate), `${certificate}\n`]));
  return [...extra]
    .filter(([key]) => !usual.has(key))
    .map(([, text]) => text)
    .sort();
}

/** The package index that this machine's pip uses, and the patience that its network needs. */
export function pipConf(env: Readonly<Record<string, string | undefined>>): string {
  const settings: [name: string, value: string | undefined][] = [
    ["timeout", env.PIP_DEFAULT_TIMEOUT],
    ["index-url", env.PIP_INDEX_URL],
    ["extra-index-url", env.PIP_EXTRA_INDEX_URL],
    ["trusted-host", env.PIP_TRUSTED_HOST],
  ];
  const lines = settings.flatMap(([name, value]) => (value ? [`${name} = ${value}`] : []));
  return ["[global]", ...lines, ""].join("\n");
}

/** Name servers that work inside a container: those of this machine that are not its own loopback stub. */
export function nameServers(): string[] {
  for (const path of ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
    const servers = [...readFile(path).matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
    const usable = servers.filter((server) => !server.startsWith("127.") && server !== "::1");
    if (usable.length > 0) return usable;
  }
  return [];
}

/** True when the operator's engine has an image of that name. */
export async function hasImage(name: string): Promise<boolean> {
  return (await dockerOrNothing(["image", "inspect", "--format", "{{.Id}}", name])) !== undefined;
}
