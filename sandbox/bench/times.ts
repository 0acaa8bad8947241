/** `npm run bench` alone: how long things take and what the core costs, on a fresh sandbox of its own. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { table } from "../cli/table.ts";
import { cacheFolder } from "../engine/paths.ts";
import { checkout, sandboxIdOf } from "../lifecycle/checkout.ts";
import { copyProject } from "../lifecycle/copy.ts";
import { down } from "../lifecycle/down.ts";
import { pulumi, setToken } from "../lifecycle/stack.ts";
import { partsOf, type SandboxState } from "../lifecycle/state.ts";
import { containerTable } from "../lifecycle/status.ts";
import { up } from "../lifecycle/up.ts";
import { portFileOf } from "../telegram/background.ts";
import { TelegramClient } from "../telegram/client.ts";

/** Prints the times and what each container holds in memory. */
export async function benchTimes(log: (line: string) => void): Promise<void> {
  const project = copyProject(join(cacheFolder("bench"), sandboxIdOf(checkout)));
  const id = sandboxIdOf(project);
  try {
    const state = await up({ project, log });
    const rows = await measure(state, log);
    for (const line of ["", ...table([["what", "seconds", "to the first"], ...rows]), ""]) console.log(line);
    for (const line of await containerTable(state)) console.log(line);
    console.log(`\n${state.toolchain.plugins} plugins, CLI ${state.toolchain.cliVersion}`);
  } finally {
    await down(id, log);
    rmSync(project, { recursive: true, force: true });
  }
}

/** Times of one machine say little about another's: the ratios to the first row are what to compare. */
async function measure(state: SandboxState, log: (line: string) => void): Promise<string[][]> {
  const telegram = TelegramClient.fromPortFile(portFileOf(partsOf(state.id).telegram));
  const pulumiUp = () => pulumi(state, ["up", "--yes", "--skip-preview", "--non-interactive"]);
  const ask = async (bot: string) => {
    const update = await telegram.send({ bot, text: "/start" });
    await telegram.waitForReply({ bot, afterUpdateId: update, timeoutMs: 60_000 });
  };
  const add = async (bot: string) => {
    cpSync(join(state.project, "bots/hello.ts"), join(state.project, "bots", `${bot}.ts`));
    await setToken(state, bot, await telegram.addBot({ name: bot }));
  };
  const steps: [what: string, work: () => Promise<unknown>][] = [
    ["bare host to the first answer", () => pulumiUp().then(() => ask("hello"))],
    ["up without a change", pulumiUp],
    ["preview without a change", () => pulumi(state, ["preview", "--non-interactive"])],
    ["refresh", () => pulumi(state, ["refresh", "--yes", "--skip-preview", "--non-interactive"])],
    [
      "adding a bot, to its first answer",
      () =>
        add("second")
          .then(pulumiUp)
          .then(() => ask("second")),
    ],
    ["destroy", () => pulumi(state, ["destroy", "--yes", "--skip-preview", "--non-interactive"])],
    ["up again on the same host", () => pulumiUp().then(() => ask("hello"))],
  ];
  const rows: string[][] = [];
  let first: number | undefined;
  for (const [what, work] of steps) {
    log(what);
    const started = performance.now();
    await work();
    const seconds = (performance.now() - started) / 1000;
    first ??= seconds;
    rows.push([what, seconds.toFixed(1), (seconds / first).toFixed(2)]);
  }
  return rows;
}
