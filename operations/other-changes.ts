/**
 * What a run of `pulumi up` would change besides one bot. A way back must not deploy what else may have changed in the
 * working copy, and `--target` is no way to leave it out: where the files no longer need a resource that the state's do,
 * the engine may write an untargeted resource twice or before its provider, a state that it then refuses to read
 * (pulumi/pulumi#24303, open in 3.259).
 */
import * as z from "zod";

/** Bots are these components; see components/bot/bot.ts. */
const COMPONENT = "botgarden:bot:Bot";

const side = z.object({ parent: z.string().optional() }).nullish();
const planSchema = z.object({
  steps: z
    .array(z.object({ op: z.string(), urn: z.string(), oldState: side, newState: side }))
    .optional()
    .default([]),
  diagnostics: z
    .array(z.object({ message: z.string().optional().default(""), severity: z.string() }))
    .optional()
    .default([]),
});

/** What `pulumi preview --json` prints, as far as it counts here. */
export type Plan = z.output<typeof planSchema>;

/** @param text what `pulumi preview --json` printed; undefined if it is no plan */
export function readPlan(text: string): Plan | undefined {
  try {
    return planSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The errors that kept the plan from being made, one text each. */
export function planErrors({ diagnostics }: Plan): string[] {
  return diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message.trim());
}

/**
 * The planned changes that are not the bot's own.
 *
 * @returns one line per resource, such as `update left (docker:index/container:Container)`
 */
export function otherChanges(bot: string, { steps }: Plan): string[] {
  const lines = steps.flatMap(({ op, urn, oldState, newState }) => {
    if (op === "same" || op === "read") return [];
    if (ofBot(bot, urn) || ofBot(bot, newState?.parent ?? oldState?.parent ?? "")) return [];
    const [, , types = "", name = ""] = urn.split("::");
    return [`${op} ${name} (${types.split("$").at(-1)})`];
  });
  return [...new Set(lines)];
}

/** Whether a URN is that of the bot's component. */
function ofBot(bot: string, urn: string): boolean {
  const [, , types = "", name] = urn.split("::");
  return name === bot && types.split("$").at(-1) === COMPONENT;
}
