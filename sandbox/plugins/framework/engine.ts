/** The way back to the engine: lines for the user. */
import { credentials } from "@grpc/grpc-js";

/** How much a line matters; the engine shows "debug" only when asked. */
export type Severity = "debug" | "info" | "warning" | "error";

/** Says lines to the user through the engine. */
export interface EngineLog {
  /** Sends a line at a resource. Returns at once; the lines keep their order. `passing`: shown only for a while. */
  say(severity: Severity, urn: string, line: string, passing?: boolean): void;
  /** Resolves when every line has arrived (or could not). */
  flushed(): Promise<void>;
}

/** Connects to the engine at `address` (host:port) when the first line is said. Without an address: to nowhere. */
export function engineLog(address: string | undefined): EngineLog {
  let last: Promise<void> = Promise.resolve();
  let connected: Promise<Sender> | undefined;
  return {
    say(severity, urn, line, passing = false) {
      if (address === undefined) return;
      connected ??= connect(address);
      const ready = connected;
      last = last.then(async () => (await ready)(severity, urn, line, passing));
    },
    flushed: () => last,
  };
}

type Sender = (severity: Severity, urn: string, line: string, passing: boolean) => Promise<void>;

async function connect(address: string): Promise<Sender> {
  // Loaded only now: most plugin processes never say a line, and start faster without.
  const { default: engineGrpc } = await import("@pulumi/pulumi/proto/engine_grpc_pb.js");
  const { default: enginePb } = await import("@pulumi/pulumi/proto/engine_pb.js");
  const client = new engineGrpc.EngineClient(address, credentials.createInsecure());
  const levels = {
    debug: enginePb.LogSeverity.DEBUG,
    info: enginePb.LogSeverity.INFO,
    warning: enginePb.LogSeverity.WARNING,
    error: enginePb.LogSeverity.ERROR,
  };
  return (severity, urn, line, passing) =>
    new Promise((resolve) => {
      const request = new enginePb.LogRequest().setSeverity(levels[severity]).setUrn(urn);
      request.setMessage(line).setEphemeral(passing);
      // A lost line must not fail the step that said it.
      client.log(request, () => resolve());
    });
}
