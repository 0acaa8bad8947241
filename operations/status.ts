/** `npm run status`: how every bot and the garden fare. Ends with 0 if all is well, 1 if not, 2 if nobody could look. */
import { parseArgs } from "node:util";
import { Failure } from "./failure.ts";
import { judge } from "./judge.ts";
import { explainNoDocker, lookAtHost } from "./look.ts";
import { reportLines } from "./report.ts";
import { readStack } from "./stack.ts";
import { statusOf } from "./status-of.ts";
import { painter } from "./table.ts";

const usage = `usage: npm run status [-- OPTIONS]
  --json          all facts, and what is wrong, as JSON
  --stack NAME    a stack that is not the selected one`;

export async function run(args: string[]): Promise<number> {
  const { json, stack, help } = optionsOf(args);
  if (help) {
    console.log(usage);
    return 0;
  }
  const { connection, pins } = await readStack(stack);
  const facts = await lookAtHost(connection);
  if (!("now" in facts)) throw explainNoDocker(facts.docker.state, connection.label);
  const status = statusOf(facts, connection.label);
  const problems = judge(status);
  if (json) console.log(JSON.stringify({ ...status, pins, problems }, null, 2));
  else
    for (const line of reportLines(status, problems, painter(process.stdout, process.env), pins))
      console.log(line);
  return problems.length === 0 ? 0 : 1;
}

function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        json: { type: "boolean", default: false },
        stack: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return values;
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : "wrong options"}\n${usage}`);
  }
}
