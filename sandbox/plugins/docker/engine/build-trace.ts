/**
 * BuildKit's progress as it comes out of `POST /build?version=2`: lines of JSON whose `aux`, under the id
 * `moby.buildkit.trace`, is a protobuf message (moby/buildkit v0.22.0, api/services/control/control.proto,
 * `StatusResponse`).
 */
import { lengthFields } from "./protobuf.ts";

/** Field numbers of StatusResponse and of the messages in it. */
const STATUS = { vertexes: 1, statuses: 2, logs: 3, warnings: 4 } as const;
const VERTEX = { digest: 1, name: 3, error: 7 } as const;
const VERTEX_STATUS_ID = 1;
const LOG_TEXT = 4;
const WARNING_SHORT = 3;

/**
 * The text of one progress message in the official plugin's layout (pulumi-docker provider/image.go,
 * `processLogLine`): digest and name of each step, its error, what is transferred, log lines, warnings.
 */
export function traceText(message: Buffer): string {
  const parts = lengthFields(message);
  const of = (field: number) => parts.filter((part) => part.field === field).map((part) => part.bytes);
  const lines: string[] = [];
  for (const vertex of of(STATUS.vertexes)) {
    lines.push(`digest: ${text(vertex, VERTEX.digest)}`, text(vertex, VERTEX.name));
    const error = text(vertex, VERTEX.error);
    if (error !== "") lines.push(`error: ${error}`);
  }
  for (const status of of(STATUS.statuses)) lines.push(text(status, VERTEX_STATUS_ID));
  for (const log of of(STATUS.logs)) lines.push(text(log, LOG_TEXT));
  for (const warning of of(STATUS.warnings)) lines.push(text(warning, WARNING_SHORT));
  return lines.map((line) => `${line}\n`).join("");
}

function text(message: Buffer, field: number): string {
  return (
    lengthFields(message)
      .findLast((part) => part.field === field)
      ?.bytes.toString("utf8") ?? ""
  );
}
