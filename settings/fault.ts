/**
 * Faults of settings and the one error that carries them all.
 *
 * A reader gets every fault of a run in one message, one per line, and never a stack trace: index.ts turns
 * the error into a `pulumi.RunError`, of which Pulumi prints only the message.
 */

/** One thing that is wrong in the settings or in a bot's file. */
export interface Fault {
  /** The file or the place that the user edits, for example `bots/hello.ts`. */
  readonly where: string;
  /** The way to the setting, for example `webhook.port`; empty if the fault is in the whole place. */
  readonly path: string;
  /** What is wrong, in words that follow the path: `is missing`, `is too small`. */
  readonly problem: string;
  /** What was given, as text that is safe to print (see `shown`); left out where it says nothing. */
  readonly got?: string | undefined;
  /** What is allowed, in words that follow "must be". */
  readonly allowed?: string | undefined;
  /** What to do, as whole sentences. */
  readonly fix?: string | undefined;
}

/** The one error of settings/: its message lists all faults, one per line, and holds no secret. */
export class SettingsError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(formatFaults(faults));
    this.name = "SettingsError";
    this.faults = faults;
  }
}

/** Throws a `SettingsError` if there is any fault. */
export function throwFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new SettingsError(faults);
}

/** One line: `<where>: <path>: <what is wrong>, got <value>, must be <what is allowed>. <what to do>`. */
export function formatFault(fault: Fault): string {
  const place = fault.path === "" ? fault.where : `${fault.where}: ${fault.path}`;
  return oneLine(`${place}: ${faultSentence(fault)}`);
}

/** The fault without its place, for a message that names the place in another way. */
export function faultSentence(fault: Fault): string {
  const got = fault.got === undefined ? "" : `, got ${fault.got}`;
  const allowed = fault.allowed === undefined ? "" : `, must be ${fault.allowed}`;
  const fix = fault.fix === undefined ? "" : ` ${fault.fix}`;
  return oneLine(`${fault.problem}${got}${allowed}.${fix}`);
}

/** Line ends and other control characters of what a user's code said must not reach the terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*\p{Cc}+\s*/gu, " ");
}

/** All faults as one message; a single fault stands alone, more get a headline with their number. */
export function formatFaults(faults: readonly Fault[]): string {
  const lines = faults.map(formatFault);
  if (lines.length === 1) return lines.join("");
  return [`${lines.length} faults in the settings:`, ...lines.map((line) => `  ${line}`)].join("\n");
}
