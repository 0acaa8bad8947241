/** `npm run sandbox -- …`: the throw-away VPS, Telegram and image set, by hand. */
import { spawn } from "node:child_process";
import { checkout, sandboxIdOf } from "../lifecycle/checkout.ts";
import { down } from "../lifecycle/down.ts";
import { shellLines } from "../lifecycle/environment.ts";
import { sshArguments } from "../lifecycle/ssh.ts";
import { botsOf, setToken } from "../lifecycle/stack.ts";
import { partsOf, readState } from "../lifecycle/state.ts";
import { statusLines } from "../lifecycle/status.ts";
import { up } from "../lifecycle/up.ts";
import { portFileOf } from "../telegram/background.ts";
import { TelegramClient } from "../telegram/client.ts";
import { UserError } from "./user-error.ts";

const usage = `usage: npm run sandbox -- COMMAND
  up                          a bare host, Telegram and the images; a second time: a bare one again
  down                        removes everything that up made
  status                      what runs
  ssh [COMMAND]               a shell on the host
  env                         for the shell: eval "$(npm run -s sandbox -- env)", then plain pulumi up
  telegram add BOT            makes a bot at the Telegram stand-in and stores its token in the stack
  telegram send BOT "text"    a person writes to the bot; prints what the bot answers`;

const id = sandboxIdOf(checkout);
const log = (line: string) => console.error(line);

export async function run(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  const action = command === undefined ? undefined : actions[command];
  if (action === undefined) throw new UserError(usage);
  return (await action(rest)) ?? 0;
}

const actions: Record<string, (args: string[]) => Promise<number | undefined>> = {
  async up() {
    const state = await up({ project: checkout, log });
    console.log(
      `a bare host waits at ${state.host.address}. Now: eval "$(npm run -s sandbox -- env)" and pulumi up`,
    );
    return 0;
  },

  async down() {
    await down(id, log);
    return 0;
  },

  async status() {
    for (const line of await statusLines(id)) console.log(line);
    return 0;
  },

  ssh(args) {
    const { host } = readState(id);
    const child = spawn("ssh", [...sshArguments(host), ...args], { stdio: "inherit" });
    return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 255)));
  },

  async env() {
    const { toolchain } = readState(id);
    for (const line of shellLines(id, toolchain)) console.log(line);
    return 0;
  },

  async telegram([action, bot, ...words]) {
    if (bot === undefined) throw new UserError(usage);
    const state = readState(id);
    const client = TelegramClient.fromPortFile(portFileOf(partsOf(id).telegram));
    if (action === "add") {
      await setToken(state, bot, await client.addBot({ name: bot }));
      console.log(
        `${bot} has a token in the stack. ${hasFile(bot) ? "Now: pulumi up" : `Now write bots/${bot}.ts, then: pulumi up`}`,
      );
      return 0;
    }
    const text = words.join(" ");
    if (action !== "send" || text === "") throw new UserError(usage);
    const update = await client.send({ bot, text });
    for (const reply of await client.waitForReply({ bot, afterUpdateId: update })) console.log(reply.text);
    return 0;
  },
};

function hasFile(bot: string): boolean {
  return botsOf(checkout).includes(bot);
}
