/** The operator's commands for a garden that runs: `npm run status`, `npm run rollback` and so on. */

const commands: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  status: () => import("./status.ts"),
  logs: () => import("./logs.ts"),
  rollback: () => import("./rollback.ts"),
  pause: () => import("./pause.ts"),
  resume: () => import("./resume.ts"),
};

const [name = "", ...args] = process.argv.slice(2);
const load = commands[name];
if (load === undefined) {
  console.error(`botgarden: there is no command "${name}". There are: ${Object.keys(commands).join(", ")}.`);
  process.exit(2);
}
try {
  const { run } = await load();
  process.exitCode = await run(args);
} catch (error) {
  console.error(`botgarden: ${messageOf(error)}`);
  process.exitCode = hasExitCode(error) ? error.exitCode : 2;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Before npm install there is no package to import, and Node's own words would not help.
  if ("code" in error && error.code === "ERR_MODULE_NOT_FOUND" && / package '/.test(error.message)) {
    return "the project's packages are not installed. Run: npm install";
  }
  const known = hasExitCode(error) && process.env.BOTGARDEN_DEBUG !== "1";
  return known ? error.message : (error.stack ?? error.message);
}

/** Failure, which cannot be imported here: what it needs may be missing. */
function hasExitCode(error: unknown): error is Error & { exitCode: number } {
  return error instanceof Error && "exitCode" in error && typeof error.exitCode === "number";
}
