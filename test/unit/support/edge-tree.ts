/** The edge's tree of files, as edge.sh writes it on the host, for an nginx that runs on this machine. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  commonFiles,
  type Hsts,
  type Route,
  renderEdge,
  renderRoute,
  renderSite,
  type SiteConfig,
} from "../../../components/edge/config.ts";
import type { NginxFeatures } from "../../../components/edge/features.ts";
import { makeCertificate } from "../telegram/certificates.ts";
import { freePort } from "./ports.ts";
import { runProgram } from "./processes.ts";

export interface TreeOptions {
  readonly features: NginxFeatures;
  /** The user of nginx's workers; empty if they are those of whoever starts it. */
  readonly user: string;
  /** The port of the name server. */
  readonly dns: number;
  readonly routes?: readonly (Route & { readonly secrets?: readonly string[] })[];
  readonly site?: Partial<SiteConfig>;
  readonly allowFrom?: readonly string[];
  readonly hsts?: Hsts;
  readonly page?: string;
  /** Changes a file of the tree. */
  readonly edit?: (file: string, text: string) => string;
}

export interface Tree {
  readonly config: string;
  readonly folder: string;
  readonly log: string;
  readonly certificate: string;
  /** The folder of certbot's answers. */
  readonly challenges: string;
  readonly ports: { readonly http: number; readonly https: number; readonly status: number };
}

/** Writes a tree; only what belongs to the container is exchanged for what this machine has. */
export async function writeTree(folder: string, options: TreeOptions): Promise<Tree> {
  const { features, routes = [], allowFrom = ["0.0.0.0/0"], hsts = "off", page } = options;
  const ports = { http: await freePort(), https: await freePort(), status: await freePort() };
  const site = {
    kind: "domain",
    names: ["bots.example.com"],
    certificate: "0a1b2c3d",
    httpsPort: 443,
    features,
    ...options.site,
  } as const;
  const files: Record<string, string> = {
    "nginx.conf": renderEdge({ features, allowFrom }),
    "site.conf": renderSite(site).site,
    "default.conf": renderSite(site).default,
    "groups.conf": "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
    ...commonFiles(hsts, page),
  };
  for (const route of routes) {
    for (const [file, text] of Object.entries(renderRoute(route)))
      files[`routes/${route.bot}.${file}`] = text;
    files[`routes/${route.bot}.guard`] = await guardOf(route.secrets);
  }
  const log = join(folder, "access.log");
  const certificates = join(folder, "certificates");
  const challenges = join(folder, "acme");
  const moved = (text: string) =>
    text
      .replace("user nginx;", options.user === "" ? "" : `user ${options.user};`)
      .replaceAll("/etc/nginx/mime.types", join(folder, "mime.types"))
      .replaceAll("/etc/nginx/garden/current", folder)
      .replaceAll("/etc/nginx/certificates", certificates)
      .replaceAll("/var/www/acme", challenges)
      .replaceAll("/dev/stdout", log)
      .replaceAll("/run/", `${folder}/run-`)
      .replaceAll(/listen 80\b/g, `listen 127.0.0.1:${ports.http}`)
      .replaceAll(/listen 443\b/g, `listen 127.0.0.1:${ports.https}`)
      .replaceAll(/listen 8080\b/g, `listen 127.0.0.1:${ports.status}`)
      .replaceAll("127.0.0.11", `127.0.0.1:${options.dns}`);
  mkdirSync(join(folder, "routes"), { recursive: true });
  mkdirSync(join(challenges, ".well-known/acme-challenge"), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), moved(options.edit?.(file, text) ?? text));
  }
  writeFileSync(join(folder, "mime.types"), "types { text/html html; }\n");
  const certificate = writeCertificate(join(certificates, site.certificate, "current"));
  return { config: join(folder, "nginx.conf"), folder, log, certificate, challenges, ports };
}

function writeCertificate(folder: string): string {
  const { cert, key } = makeCertificate({ cn: "the edge" });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "fullchain.pem"), cert);
  writeFileSync(join(folder, "privkey.pem"), key);
  return cert;
}

/** What the edge's script itself writes as a route's guard. */
async function guardOf(secrets: readonly string[] = []): Promise<string> {
  const input = secrets.map((secret) => `${secret}\n`).join("");
  const guard = guards.get(input) ?? runGuard(input);
  guards.set(input, guard);
  return guard;
}

const guards = new Map<string, Promise<string>>();

async function runGuard(input: string): Promise<string> {
  const script = fileURLToPath(new URL("../../../components/edge/edge-routes.sh", import.meta.url));
  const program = 'set -euo pipefail; . "$1"; guard';
  const { code, stdout, stderr } = await runProgram("bash", ["-c", program, "bash", script], { input });
  if (code !== 0 || stdout === "") throw new Error(`edge-routes.sh wrote no guard: ${stderr}`);
  return stdout;
}
