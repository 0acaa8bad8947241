/** No Pulumi CLI could be had; the message says what was tried and what to do, and is meant for the user. */
export class ToolchainError extends Error {
  override name = "ToolchainError";
}
