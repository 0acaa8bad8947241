/** What of a sandbox runs, for people. */

import { acmeRuns } from "../acme/background.ts";
import { table } from "../cli/table.ts";
import { dockerOrNothing } from "../engine/docker.ts";
import { portFileOf, runsInBackground } from "../telegram/background.ts";
import { TelegramClient } from "../telegram/client.ts";
import { onHost } from "./ssh.ts";
import { findState, partsOf, type SandboxState } from "./state.ts";

/** Lines for the terminal. */
export async function statusLines(id: string): Promise<string[]> {
  const state = findState(id);
  if (state === undefined) return ["there is no sandbox. Start one: npm run sandbox -- up"];
  const { toolchain, host } = state;
  const running = await dockerOrNothing(["inspect", "--format", "{{.State.Status}}", host.container]);
  const lines = [
    `Pulumi    CLI ${toolchain.cliVersion}, ${toolchain.plugins} plugins`,
    `host      ${host.user}@${host.address}, ${running ?? "missing"}`,
    `acme      ${acmeRuns(id) === undefined ? "not running" : state.acmeDirectory}`,
    `telegram  ${runsInBackground(partsOf(id).telegram) ? state.apiRoot : "not running"}`,
  ];
  if (running !== "running") return lines;
  return [...lines, "", ...(await containerTable(state)), ...(await botLines(state))];
}

/** The containers on the host, with what they use. */
export async function containerTable({ host }: SandboxState): Promise<string[]> {
  const format = "{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.PIDs}}";
  const stats = await onHost(
    host,
    `command -v docker >/dev/null && docker stats --no-stream --format '${format}' || true`,
  );
  const rows = stats.split("\n").filter((line) => line !== "");
  if (rows.length === 0) return ["nothing runs on the host"];
  return table([["container", "CPU", "memory", "processes"], ...rows.sort().map((row) => row.split("\t"))]);
}

async function botLines({ id }: SandboxState): Promise<string[]> {
  const { telegram } = partsOf(id);
  if (!runsInBackground(telegram)) return [];
  const bots = await TelegramClient.fromPortFile(portFileOf(telegram)).bots();
  if (bots.length === 0) return [];
  const rows = bots.map(({ name, webhook, polling }) => [
    name,
    webhook || (polling ? "polls" : "no webhook"),
  ]);
  return ["", ...table([["bot", "at Telegram"], ...rows])];
}
