/** The process of a sandbox's image mirror: `node main.ts SANDBOX_ID ADDRESS PORT`, started by serve.ts. */
import { readFileSync } from "node:fs";
import { markOf, writePidFile } from "../engine/processes.ts";
import { imageStore } from "./ensure.ts";
import { createRegistry, readShelf } from "./registry.ts";
import { mirrorFiles } from "./serve.ts";

const [sandboxId = "", address = "", port = ""] = process.argv.slice(2);
const files = mirrorFiles(sandboxId);
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

const server = createRegistry({ store: imageStore(), shelf: () => readShelf(files.shelf), log });
server.on("error", (error) => {
  log(error.message);
  process.exit(1);
});
// The pid file comes before the port: who sees the port answer can also stop the process.
writePidFile(files.pid, process.pid);
server.listen(Number(port), address, () => log(`listening on ${address}:${port}`));

const stop = (): void => {
  server.close();
  server.closeAllConnections();
  clearInterval(watch);
};
process.on("SIGTERM", stop).on("SIGINT", stop);

// A process whose pid file is gone or names another one belongs to no sandbox any more.
const watch = setInterval(() => {
  if (!ownsPidFile()) stop();
}, 5000);

function ownsPidFile(): boolean {
  try {
    return readFileSync(files.pid, "utf8") === JSON.stringify(markOf(process.pid));
  } catch {
    return false;
  }
}
