/**
 * The session that BuildKit asks for while it builds: a gRPC server on a connection that was opened by us
 * (moby/buildkit v0.22.0, session/session.go). Without one, BuildKit cannot pull a base image from a registry
 * that hands out tokens, not even anonymously ("no active sessions").
 *
 * It offers a health check, and one thing more, as the official plugin does: without secrets `Auth/Credentials`, which
 * always answers "none" (anonymous), as the stand-in has no registry logins; with secrets only those.
 */
import { randomBytes } from "node:crypto";
import http2 from "node:http2";
import type { EngineClient } from "./client.ts";
import { lengthField, lengthFields } from "./protobuf.ts";

/** Reads a secret's value by its id; undefined: there is none. */
export type BuildSecrets = (id: string) => Promise<Buffer | undefined>;

const HEALTH = "/grpc.health.v1.Health/Check";
const CREDENTIALS = "/moby.filesync.v1.Auth/Credentials";
const SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret";

const GRPC_NOT_FOUND = "5";
const GRPC_UNKNOWN = "2";
const GRPC_UNIMPLEMENTED = "12";

/** What a method answers: a message, or a status that says why there is none. */
type Answer = { readonly message: Buffer } | { readonly status: string };
type Methods = ReadonlyMap<string, (request: Buffer) => Promise<Answer>>;

/** A running session. */
export interface BuildSession {
  /** What the build request names it by. */
  readonly id: string;
  readonly close: () => void;
}

/** Opens a session. It lives until `close`, or until the engine drops it. */
export async function openBuildSession(client: EngineClient, secrets?: BuildSecrets): Promise<BuildSession> {
  const id = randomBytes(16).toString("hex");
  const methods = methodsOf(secrets);
  const socket = await client.upgrade("/session", {
    Connection: "Upgrade",
    Upgrade: "h2c",
    "X-Docker-Expose-Session-Uuid": id,
    "X-Docker-Expose-Session-Sharedkey": randomBytes(16).toString("hex"),
    "X-Docker-Expose-Session-Grpc-Method": [...methods.keys()],
  });
  const server = http2.createServer();
  server.on("stream", (stream, headers) => void answer(methods, stream, headers));
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

function methodsOf(secrets: BuildSecrets | undefined): Methods {
  const methods = new Map([
    // SERVING is field 1, value 1.
    [HEALTH, () => Promise.resolve<Answer>({ message: Buffer.from([0x08, 0x01]) })],
  ]);
  if (secrets === undefined) return methods.set(CREDENTIALS, async () => ({ message: Buffer.alloc(0) }));
  return new Map<string, (request: Buffer) => Promise<Answer>>(methods).set(SECRET, async (request) => {
    const id =
      lengthFields(request)
        .find(({ field }) => field === 1)
        ?.bytes.toString() ?? "";
    const value = await secrets(id);
    return value === undefined ? { status: GRPC_NOT_FOUND } : { message: lengthField(1, value) };
  });
}

async function answer(
  methods: Methods,
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
): Promise<void> {
  stream.on("error", () => undefined);
  const method = methods.get(headers[":path"] ?? "");
  const found: Answer = await (method === undefined
    ? Promise.resolve({ status: GRPC_UNIMPLEMENTED })
    : messageIn(stream).then(method)
  ).catch(() => ({ status: GRPC_UNKNOWN }));
  stream.resume();
  stream.on("wantTrailers", () =>
    stream.sendTrailers({ "grpc-status": "status" in found ? found.status : "0" }),
  );
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.end("message" in found ? frame(found.message) : undefined);
}

const FRAME_HEAD = 5;

/** gRPC's frame is: not compressed, the length, the message. */
async function messageIn(stream: http2.ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).subarray(FRAME_HEAD);
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
