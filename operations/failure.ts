/** A command could not do what it was asked. The message tells a reader everything; it is shown without a stack. */
export class Failure extends Error {
  /** What the command ends with. */
  readonly exitCode: number;

  /** @param exitCode default 2: nothing is known about the garden */
  constructor(message: string, exitCode = 2) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}
