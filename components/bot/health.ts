import type * as docker from "@pulumi/docker";
import type { BotSettings } from "../../settings/bot.ts";

type Healthcheck = NonNullable<docker.ContainerArgs["healthcheck"]>;

/**
 * Docker's health check of a bot, or undefined to leave it to the image's own. It runs inside the bot's container, so
 * a check by path tries the HTTP clients that slim images are likely to have.
 */
export function botHealthcheck(bot: BotSettings): Healthcheck | undefined {
  const { health } = bot;
  if (health === undefined) return undefined;
  const { test } = health;
  const tests =
    test.kind === "command" ? ["CMD", ...test.command] : ["CMD-SHELL", probe(test.port, test.path)];
  return {
    tests,
    interval: goDuration(health.intervalSeconds),
    timeout: goDuration(health.timeoutSeconds),
    startPeriod: goDuration(health.startPeriodSeconds),
    retries: health.retries,
  };
}

/** How long a release may take to become healthy, in seconds. */
export function gateDeadline(bot: BotSettings): number {
  const { health } = bot;
  if (health === undefined) return 60;
  return health.startPeriodSeconds + health.retries * (health.intervalSeconds + health.timeoutSeconds) + 10;
}

function probe(port: number, path: string): string {
  const url = `http://127.0.0.1:${port}${path}`;
  // One line instead of a traceback: the gate shows what the check said.
  const python = [
    "import sys, urllib.request as u",
    `try: sys.exit(not 200 <= u.urlopen('${url}', timeout=5).status < 300)`,
    "except OSError as e: sys.exit(str(e))",
  ].join("\n");
  const node = `fetch('${url}').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))`;
  return [
    `if command -v curl >/dev/null; then exec curl -fsSL -o /dev/null ${url}`,
    `elif command -v wget >/dev/null; then exec wget -qO /dev/null ${url}`,
    `elif command -v python3 >/dev/null; then exec python3 -c "${python}"`,
    `else exec node -e "${node}"`,
    "fi",
  ].join("; ");
}

/** Seconds in the form in which the Docker plugin reads them back, so that a second plan is empty: `1m30s`. */
export function goDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = seconds % 60;
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}
