/** The commands behind the npm scripts: each is a module, loaded when it is asked for. */

const commands: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  demo: () => import("./demo.ts"),
  sandbox: () => import("./sandbox.ts"),
  test: () => import("./test.ts"),
  bench: () => import("./bench.ts"),
  check: () => import("./check.ts"),
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
  const wanted = process.env.BOTGARDEN_DEBUG === "1" ? "stack" : "message";
  console.error(`botgarden: ${error instanceof Error ? error[wanted] : String(error)}`);
  process.exitCode = 1;
}
// Nothing of a command goes on after its end: what lives longer was started as a process of its own.
process.exit();
