/**
 * The sandbox's stand-in for `pulumi-language-nodejs`. The CLI starts it with the engine's address as its last
 * argument, reads the port of its gRPC service from the first line of stdout, and holds its stdin open as long as it
 * lives.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { engineAddress, startServer } from "../framework/serve.ts";
import { member, nonEmpty } from "./json.ts";
import { languageRuntime } from "./service.ts";

const sdk = createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json");
const stop = new AbortController();
const running = new Set<Promise<unknown>>();

/** Ends the running programs, then this process: a program never outlives it. */
function end(): void {
  stop.abort();
  void Promise.allSettled(running).then(() => process.exit(0));
}

// The engine ends its plugins with SIGINT, after the last call.
process.on("SIGINT", end);
process.on("SIGTERM", end);
// The engine's end of the pipe closes when the engine ends, however it ends.
process.stdin.on("end", end).on("error", end).resume();
// Nobody reads any more: the engine is gone.
process.stdout.on("error", end);
process.stderr.on("error", end);

const methods = languageRuntime({
  engineAddress: engineAddress(process.argv) ?? "",
  version: nonEmpty(member(JSON.parse(readFileSync(sdk, "utf8")), "version")) ?? "",
  output: { stdout: process.stdout, stderr: process.stderr },
  stop,
  running,
});
const { port } = await startServer([{ definition: LanguageRuntimeService, methods }]);
process.stdout.write(`${port}\n`);
