/** Errors worded as the bridge words them. */
import { PartlyDone } from "../framework/errors.ts";

/** The text of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The bridge's wrapping of a single error (hashicorp/go-multierror, as pulumi-terraform-bridge shows it). */
function bridged(reason: string): string {
  return `1 error occurred:\n\t* ${reason}\n\n`;
}

/**
 * Runs a step; what it throws comes out in the bridge's wrapping. The reasons of a half-made resource also say what
 * was done to which resource.
 */
export async function withBridgedErrors<T>(run: () => Promise<T>, step = ""): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof PartlyDone)) throw new Error(bridged(reasonOf(error)));
    const reasons = error.reasons.map((reason) => `${step}${bridged(reason)}`);
    throw new PartlyDone(error.id, error.state, reasons);
  }
}

/** Whether the engine's message holds one of the texts, in any case. */
export function mentions(error: unknown, ...texts: readonly string[]): boolean {
  const reason = reasonOf(error).toLowerCase();
  return texts.some((text) => reason.includes(text.toLowerCase()));
}
