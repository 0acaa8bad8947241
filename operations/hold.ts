/** Holds a bot and lets it go, through the edge's script on the host. */
import { parseArgs } from "node:util";
import { runOnHost } from "../components/host/run-on-host.ts";
import { scriptFolder } from "../components/host/scripts.ts";
import { explainSsh } from "../components/host/ssh-error.ts";
import { plain } from "./facts.ts";
import { Failure } from "./failure.ts";
import { connectionOfStack } from "./stack.ts";

/**
 * One of the two commands.
 *
 * @param told what the operator is told when it is done; `how` the bot gets its updates: `webhook` or `polling`
 * @returns 0; 1 if there is no such bot
 * @throws Failure if the host cannot be asked, or the bot that was let go does not stay up
 */
export async function hold(
  action: "pause" | "resume",
  args: string[],
  told: (bot: string, how: string) => string,
): Promise<number> {
  const usage = `usage: npm run ${action} -- BOT [--stack NAME]`;
  const { bot, stack, help } = optionsOf(args, usage);
  if (help || bot === undefined) {
    console.log(usage);
    return help ? 0 : 2;
  }
  const connection = await connectionOfStack(stack);
  const waits = action === "pause" ? "; a bot that polls is waited for until it has stopped" : "";
  console.log(`${action === "pause" ? "pausing" : "resuming"} ${bot} on ${connection.label}${waits}`);
  const script = `${scriptFolder}/edge`;
  const line = `if [ -x ${script} ]; then ${connection.asRoot}${script} ${action} ${bot}; else exit 3; fi`;
  const result = await runOnHost(connection, line, "");
  switch (result.code) {
    case 0:
      console.log(told(bot, result.stdout.trim()));
      return 0;
    case 1: {
      const said = result.stderr.split("\n").map((text) => plain(text).replace(/^botgarden: /, ""));
      const words = said.filter((text) => text !== "").join(". ");
      // The script of a garden that was planted by an earlier version.
      throw new Failure(
        words.startsWith("usage:")
          ? `the garden on ${connection.label} is older than this command. Run pulumi up first`
          : words,
        1,
      );
    }
    case 3:
      throw new Failure(`there is no garden on ${connection.label} yet. Plant it: pulumi up`, 1);
    case 4:
      // The bot's own log, and what to do.
      throw new Failure(result.stderr.trimEnd().split("\n").map(plain).join("\n"), 1);
    default:
      throw new Failure(explainSsh(result, connection.label).message);
  }
}

function optionsOf(args: string[], usage: string) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { stack: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
    });
    const [bot, ...more] = positionals;
    if (more.length > 0 || (bot !== undefined && !/^[a-z][a-z0-9-]*$/.test(bot))) {
      throw new Error(`"${positionals.join(" ")}" is not a bot's name`);
    }
    return { bot, ...values };
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : "wrong options"}\n${usage}`);
  }
}
