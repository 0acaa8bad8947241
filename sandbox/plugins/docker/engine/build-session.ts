/**
 * The session that BuildKit asks for while it builds: a gRPC server on a connection that was opened by us
 * (moby/buildkit v0.22.0, session/session.go). Without one, BuildKit cannot pull a base image from a registry
 * that hands out tokens, not even anonymously ("no active sessions").
 *
 * It offers two methods: a health check, and `Auth/Credentials`, which always answers "none" (anonymous): the
 * stand-in has no registry logins.
 */
import { randomBytes } from "node:crypto";
import http2 from "node:http2";
import type { EngineClient } from "./client.ts";

const HEALTH = "/grpc.health.v1.Health/Check";
const CREDENTIALS = "/moby.filesync.v1.Auth/Credentials";

/** gRPC's frame: not compressed, the length, the message. SERVING is field 1, value 1; no credentials is empty. */
const ANSWERS: Readonly<Record<string, Buffer>> = {
  [HEALTH]: frame(Buffer.from([0x08, 0x01])),
  [CREDENTIALS]: frame(Buffer.alloc(0)),
};
const GRPC_UNIMPLEMENTED = "12";

/** A running session. */
export interface BuildSession {
  /** What the build request names it by. */
  readonly id: string;
  readonly close: () => void;
}

/** Opens a session. It lives until `close`, or until the engine drops it. */
export async function openBuildSession(client: EngineClient): Promise<BuildSession> {
  const id = randomBytes(16).toString("hex");
  const socket = await client.upgrade("/session", {
    Connection: "Upgrade",
    Upgrade: "h2c",
    "X-Docker-Expose-Session-Uuid": id,
    "X-Docker-Expose-Session-Sharedkey": randomBytes(16).toString("hex"),
    "X-Docker-Expose-Session-Grpc-Method": [HEALTH, CREDENTIALS],
  });
  const server = http2.createServer();
  server.on("stream", answer);
  server.on("sessionError", () => undefined);
  socket.on("error", () => undefined);
  server.emit("connection", socket);
  return {
    id,
    close: () => {
      socket.destroy();
      server.close();
    },
  };
}

function answer(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  const message = ANSWERS[headers[":path"] ?? ""];
  stream.on("error", () => undefined);
  stream.resume();
  stream.on("wantTrailers", () =>
    stream.sendTrailers({ "grpc-status": message === undefined ? GRPC_UNIMPLEMENTED : "0" }),
  );
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.end(message);
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
