/** What the rivals share: packages, certificate, files on the host, the webhook, the record. */
import { randomBytes } from "node:crypto";
import { run } from "../../engine/docker.ts";
import { onHost, sshArguments } from "../../lifecycle/ssh.ts";
import type { Host } from "../../vps/host.ts";
import { botName, type Site } from "./contender.ts";
import { type BotRecord, readRecord } from "./recorder.ts";

/** Only this run knows it. */
const password = randomBytes(18).toString("hex");

/** Docker and Compose from Debian, and the rivals' network. */
export async function prepareRivals({ state, log }: Site): Promise<void> {
  log("installing Docker and Compose from Debian for the rivals");
  const packages = "docker.io docker-cli docker-buildx docker-compose curl openssl";
  await onHost(
    state.host,
    `export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && ` +
      `apt-get -qq install -y --no-install-recommends ${packages} >/dev/null`,
  );
}

/** Puts what is in a folder into one on the host. */
export async function sync(host: Host, from: string, to: string): Promise<void> {
  const command = `mkdir -p ${to} && tar -C ${to} --no-same-owner -xz`;
  const script = 'from=$1; shift; tar -C "$from" --exclude=__pycache__ -cz . | ssh "$@"';
  await run("sh", ["-c", script, "sh", from, ...sshArguments(host), command]);
}

/** Puts the bot's source with a release's name into a folder on the host, as a deploy script's rsync does. */
export async function syncBot({ state, source }: Site, to: string, release: string): Promise<void> {
  await sync(state.host, source, to);
  await onHost(state.host, `cat >${to}/release.txt`, `${release}\n`);
}

/** Writes a file that nobody else can read. */
export async function writeSecretly(host: Host, path: string, lines: Record<string, string>): Promise<void> {
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
  await onHost(host, `umask 077 && mkdir -p "$(dirname ${path})" && cat >${path}`, text.join(""));
}

/** What both rivals' containers need to know. */
export function environment(images: { nginx: string; postgres: string }, domain: string) {
  return {
    core: {
      NGINX_IMAGE: images.nginx,
      POSTGRES_IMAGE: images.postgres,
      POSTGRES_PASSWORD: password,
      DOMAIN: domain,
    },
    bot: {
      BOT_NAME: botName,
      BOT_PORT: "8080",
      POSTGRES_HOST: "bg-postgres",
      POSTGRES_PORT: "5432",
      POSTGRES_DB: "botgarden",
      POSTGRES_USER: "botgarden",
      POSTGRES_PASSWORD: password,
    },
  };
}

/** Makes a certificate on the host and gives it, for Telegram to trust. */
export async function makeCertificate(host: Host, folder: string, domain: string): Promise<string> {
  return onHost(
    host,
    `mkdir -p ${folder} && cd ${folder} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 ` +
      `-nodes -days 7 -subj /CN=${domain} -addext subjectAltName=DNS:${domain} ` +
      `-keyout privkey.pem -out fullchain.pem 2>/dev/null && cat fullchain.pem`,
  );
}

/** Registers the webhook; the certificate is uploaded, as the authority is nobody's. */
export async function setWebhook({ state, token }: Site, url: string, certificate: string): Promise<void> {
  const form = new FormData();
  form.set("url", url);
  form.set("certificate", new Blob([certificate]), "certificate.pem");
  const response = await fetch(`${state.apiRoot}/bot${token}/setWebhook`, { method: "POST", body: form });
  if (!response.ok) throw new Error(`setWebhook of a rival failed: ${await response.text()}`);
}

/** What the bot wrote into the rivals' Postgres. */
export function rivalRecord(host: Host, run: number): Promise<BotRecord> {
  return readRecord(host, run, "docker exec -i bg-postgres psql -U botgarden -d botgarden");
}
