/** The Pulumi CLI and its plugins, wherever the sandbox runs. */
export { type PrepareOptions, prepareToolchain } from "./prepare.ts";
export type { Toolchain } from "./toolchain.ts";
export { ToolchainError } from "./toolchain-error.ts";
