/** How the garden sees that a bot is well. */
import * as z from "zod";
import { seconds } from "./duration.ts";
import { httpPath } from "./http-path.ts";
import { wholeNumber } from "./number.ts";
import { rule, setting } from "./schema.ts";

/** Seconds for which a release is watched after its switch, also of a bot without a health check. */
export const defaultSettleSeconds = 5;

/** A bot's section `health`. */
export const healthSchema = rule(
  rule(
    z.strictObject({
      path: httpPath("The path that answers 2xx when the bot is well.", '"/health"').optional(),
      port: wholeNumber({ from: 1024, to: 65535 }, { description: "The port of `path`.", example: "8080" })
        .meta({
          description: "The port of `path`.",
          type: "number",
          allowed: "a whole number from 1024 to 65535",
          example: "8080",
          default: "the webhook's port; 8080 for a bot that polls",
        })
        .optional(),
      command: setting(z.array(z.string().min(1)).min(1), {
        description: "The command and its arguments; no shell is between.",
        type: "list of texts",
        allowed: "a list of a command and its arguments",
        example: '["python", "-m", "hello.check"]',
      }).optional(),
      interval: seconds(
        { from: 1, to: 3600 },
        {
          description: "How often the bot is asked (Docker's `--health-interval`).",
          example: '"10 seconds"',
        },
      ).prefault("10 seconds"),
      timeout: seconds(
        { from: 1, to: 600 },
        { description: "How long an answer may take (Docker's `--health-timeout`).", example: '"5 seconds"' },
      ).prefault("5 seconds"),
      retries: wholeNumber(
        { from: 1, to: 100 },
        {
          description: "How many failures in a row make a bot unhealthy (Docker's `--health-retries`).",
          example: "3",
        },
      ).default(3),
      startPeriod: seconds(
        { from: 0, to: 3600 },
        {
          description: "How long after its start failures don't count (Docker's `--health-start-period`).",
          example: '"30 seconds"',
        },
      ).prefault("30 seconds"),
      settle: seconds(
        { from: 0, to: 300 },
        {
          description:
            "How long a new release is watched after it took over the updates: if it exits or becomes unhealthy, the one before takes over again.",
          example: '"5 seconds"',
        },
      ).prefault(`${defaultSettleSeconds} seconds`),
    }),
    {
      path: "path",
      aboutPresence: true,
      problem: "and health.command are alternatives, and exactly one of them is needed",
      fix: 'For example: health: { path: "/health" }.',
    },
    ({ path, command }) => (path === undefined) !== (command === undefined),
  ),
  {
    path: "port",
    aboutPresence: true,
    problem: "means nothing to health.command",
    fix: "Remove it.",
  },
  ({ port, command }) => port === undefined || command === undefined,
);
