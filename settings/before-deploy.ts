/** What runs before a release of a bot. */
import * as z from "zod";
import { seconds } from "./duration.ts";
import { setting } from "./schema.ts";

const command = setting(z.array(z.string().min(1)).min(1), {
  description: "The command and its arguments; no shell is between, and the image's entry point is left out.",
  type: "list of texts",
  allowed: "a list of a command and its arguments",
  example: '["alembic", "upgrade", "head"]',
});

/** A bot's section `beforeDeploy`, if it isn't the command alone. */
const beforeDeploySection = z.strictObject({
  command,
  timeout: seconds(
    { from: 1, to: 3600 },
    {
      description:
        "How long the command may take. What takes longer is killed, and the release is not begun. A single statement may take no longer than `database.statementTimeout`.",
      example: '"5 minutes"',
    },
  ).prefault("5 minutes"),
});

/** A bot's setting `beforeDeploy`: the section, or the command alone. */
export const beforeDeploySchema = setting(z.union([command, beforeDeploySection]), {
  description:
    "A command that runs before a release, in a container of its own with the new image and all that the bot has: for migrations. The database is dumped before it. If it fails, the release is not begun and the old one goes on.",
  type: "list of texts, or object",
  allowed: "a list of a command and its arguments, or an object with a command",
  example: '{ command: ["alembic", "upgrade", "head"], timeout: "5 minutes" }',
});

/** What runs before a release. */
export interface BotBeforeDeploy {
  /** A command with its arguments. */
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
}

/** The setting with its default filled in. */
export function beforeDeployOf(given: z.output<typeof beforeDeploySchema>): BotBeforeDeploy {
  const { command: words, timeout } = Array.isArray(given)
    ? beforeDeploySection.parse({ command: given })
    : given;
  return { command: words, timeoutSeconds: timeout };
}
