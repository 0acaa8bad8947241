import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Every script that the garden puts on the host, by the name it has there; the file lies beside its component. */
const files = {
  "prepare-host": "prepare-host.sh",
  network: "../network.sh",
  postgres: "../postgres/postgres.sh",
  "postgres-database": "../postgres/database.sh",
  "postgres-database.sql": "../postgres/database.sql",
  "postgres-password": "../postgres/password.sh",
  "postgres-dump": "../postgres/dump.sh",
  edge: "../edge/edge.sh",
  "edge-tree": "../edge/edge-tree.sh",
  "edge-site": "../edge/edge-site.sh",
  "edge-routes": "../edge/edge-routes.sh",
  "edge-pause": "../edge/edge-pause.sh",
  "start-nginx": "../edge/start-nginx.sh",
  certificate: "../certificates/certificate.sh",
  "certificate-folders": "../certificates/certificate-folders.sh",
  "certificate-names": "../certificates/certificate-names.sh",
  "certbot-loop": "../certificates/certbot/certbot-loop.sh",
  "certbot-issue": "../certificates/certbot/certbot-issue.py",
  "acme_common.py": "../certificates/certbot/acme_common.py",
  "acme_journal.py": "../certificates/certbot/acme_journal.py",
  "acme_certificate.py": "../certificates/certbot/acme_certificate.py",
  "acme_certbot.py": "../certificates/certbot/acme_certbot.py",
  "acme_failure.py": "../certificates/certbot/acme_failure.py",
  "acme_round.py": "../certificates/certbot/acme_round.py",
  "bot-release": "../bot/release.sh",
  "bot-release-health": "../bot/release-health.sh",
  "bot-before-deploy": "../bot/before-deploy.sh",
  "bot-records": "../bot/records.sh",
  "bot-webhook": "../bot/webhook.sh",
} as const;

/** The name of a script on the host. */
export type ScriptName = keyof typeof files;

/** Where the scripts are on the host; the path never changes, since old commands run from the stack's state. */
export const scriptFolder = "/opt/botgarden/bin";

function read(file: string): string {
  return readFileSync(fileURLToPath(new URL(file, import.meta.url)), "utf8");
}

/** The text that installs all scripts when a shell on the host reads it from standard input. */
export function installText(): string {
  const parts = [read("install-scripts.sh").trimEnd()];
  for (const [name, file] of Object.entries(files)) {
    const text = read(file);
    parts.push(`script ${name} <<'END_OF_${name}'\n${text.trimEnd()}\nEND_OF_${name}`);
  }
  return `${parts.join("\n")}\nswitch_over\n`;
}

/** What a script does through others, and they through theirs: a change of those is a change of its own. */
const uses: Partial<Record<ScriptName, readonly ScriptName[]>> = {
  "postgres-database": ["postgres-database.sql", "postgres-dump", "postgres-password"],
  edge: ["edge-tree", "edge-site", "edge-routes", "edge-pause", "start-nginx"],
  certificate: [
    "certificate-folders",
    "certificate-names",
    "certbot-loop",
    "certbot-issue",
    "acme_common.py",
    "acme_journal.py",
    "acme_certificate.py",
    "acme_certbot.py",
    "acme_failure.py",
    "acme_round.py",
  ],
  "bot-release": ["bot-release-health", "bot-before-deploy", "bot-records", "edge", "postgres-password"],
  "bot-before-deploy": ["postgres-dump"],
  "postgres-password": ["bot-records"],
  "bot-records": ["edge"],
};

function withUsed(name: ScriptName): ScriptName[] {
  return [name, ...(uses[name] ?? []).flatMap(withUsed)];
}

/**
 * Eight digits that change when the script's text does, or that of a script it uses: a command that carries them runs
 * again after a change.
 */
export function digestOf(name: ScriptName): string {
  const hash = createHash("sha256");
  for (const each of withUsed(name)) hash.update(read(files[each]));
  return hash.digest("hex").slice(0, 8);
}
