/** A failure whose message tells a reader everything: what went wrong and what to do. Shown without a stack. */
export class UserError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UserError";
  }
}
