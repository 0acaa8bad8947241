/** `npm run demo`: from a bare host to a bot's answer, on this machine. */
import { checkout, sandboxIdOf } from "../lifecycle/checkout.ts";
import { down } from "../lifecycle/down.ts";
import { pulumi } from "../lifecycle/stack.ts";
import { partsOf, type SandboxState } from "../lifecycle/state.ts";
import { containerTable } from "../lifecycle/status.ts";
import { up } from "../lifecycle/up.ts";
import { portFileOf } from "../telegram/background.ts";
import { TelegramClient } from "../telegram/client.ts";
import { readSwitches } from "./options.ts";

const usage = "npm run demo [-- --json | --down]";
const bot = "hello";
const text = "/start";

export async function run(args: string[]): Promise<number> {
  const { json, down: remove } = readSwitches(args, ["json", "down"], usage);
  const log = (line: string) => console.error(line);
  if (remove) {
    await down(sandboxIdOf(checkout), log);
    return 0;
  }
  const clock = stopwatch();
  const state = await up({ project: checkout, log });
  clock.lap("sandbox");
  log("pulumi up");
  await pulumi(state, ["up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"], {
    log: showStep(log),
  });
  clock.lap("up");
  const answer = await talk(state);
  clock.lap("answer");
  if (json)
    console.log(
      JSON.stringify({ ok: true, bot, sent: text, ...answer, seconds: clock.laps, engine: engineOf(state) }),
    );
  else await report(state, answer, clock.laps);
  return 0;
}

/** A person writes to the bot; its answer has gone through nginx, the bot and Postgres. */
async function talk(state: SandboxState): Promise<{ reply: string; webhook: string }> {
  const client = TelegramClient.fromPortFile(portFileOf(partsOf(state.id).telegram));
  const update = await client.send({ bot, text });
  const [first] = await client.waitForReply({ bot, afterUpdateId: update });
  const info = (await client.bots()).find(({ name }) => name === bot);
  return { reply: first?.text ?? "", webhook: info?.webhook ?? "" };
}

async function report(
  state: SandboxState,
  { reply, webhook }: { reply: string; webhook: string },
  seconds: Record<string, number>,
): Promise<void> {
  const lines = [
    "",
    `you:    ${text}`,
    `${bot}:  ${reply}`,
    "",
    `Telegram delivered to ${webhook}.`,
    `Sandbox ${seconds.sandbox} s, pulumi up on the bare host ${seconds.up} s, answer ${seconds.answer} s.`,
    "",
    ...(await containerTable(state)),
    "",
    "What to try next:",
    `  npm run sandbox -- telegram send ${bot} "good morning"`,
    '  eval "$(npm run -s sandbox -- env)"      then plain pulumi: pulumi up, pulumi preview, pulumi stack output',
    "  npm run sandbox -- telegram add second   then cp bots/hello.ts bots/second.ts, and pulumi up",
    "  npm run sandbox -- ssh                   a shell on the host: docker ps, docker logs …",
    "  npm run demo -- --down                   removes everything",
  ];
  for (const line of lines) console.log(line);
}

function engineOf({ toolchain }: SandboxState) {
  return { cli: toolchain.cliVersion, plugins: toolchain.plugins };
}

/** Pulumi's own lines for what is done; of what is under way one every few seconds, so that nothing looks stuck. */
function showStep(log: (line: string) => void): (line: string) => void {
  let shown = performance.now();
  return (line) => {
    const done = / (created|updated|deleted|replaced)( \(|$)|error:|warning:/.test(line);
    if (!done && !(/creating \([1-9]/.test(line) && performance.now() - shown > 3000)) return;
    shown = performance.now();
    log(`  ${line.trim().slice(0, 150)}`);
  };
}

function stopwatch() {
  let before = performance.now();
  const laps: Record<string, number> = {};
  return {
    laps,
    lap(name: string) {
      const now = performance.now();
      laps[name] = Math.round((now - before) / 100) / 10;
      before = now;
    },
  };
}
