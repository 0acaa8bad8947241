/** A process for lock.test.ts: takes the lock, says so, and holds it until its input ends. */
import { once } from "node:events";
import { withLock } from "../../../sandbox/engine/lock.ts";

await withLock(
  process.argv[2] ?? "",
  () => undefined,
  async () => {
    console.log("taken");
    process.stdin.resume();
    await once(process.stdin, "end");
  },
);
console.log("given back");
