/** Waiting for a container's end, and collecting what it printed (`attach` and `logs`). */
import { type EngineClient, readAll } from "../engine/client.ts";
import { reasonOf } from "../faults.ts";

/** The head of a piece of a container's output: stream, three zeros, length (docker's stdcopy). */
const HEAD_BYTES = 8;

/**
 * Waits until the container has stopped.
 *
 * @returns what it printed on stdout and stderr, when `collect` is set
 */
export async function containerOutput(
  client: EngineClient,
  id: string,
  options: { readonly collect: boolean; readonly tty: boolean; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const printed = options.collect ? outputOf(client, id, options.tty) : Promise.resolve(undefined);
  // Waited for below; a failure in the meantime must not end the process.
  printed.catch(() => undefined);
  const query = { condition: "not-running" };
  await client
    .json("POST", `/containers/${id}/wait`, { query, signal: options.signal })
    .catch((error: unknown) => {
      throw new Error(`Unable to wait container end of execution: ${reasonOf(error)}`);
    });
  return printed;
}

async function outputOf(client: EngineClient, id: string, tty: boolean): Promise<string> {
  const query = { stdout: "1", stderr: "1", follow: "1" };
  const response = await client.stream("GET", `/containers/${id}/logs`, { query }).catch((error: unknown) => {
    throw new Error(`unable to read container logs: ${reasonOf(error)}`);
  });
  const bytes = await readAll(response);
  return (tty ? bytes : Buffer.concat(pieces(bytes))).toString("utf8");
}

function pieces(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const end = at + HEAD_BYTES + bytes.readUInt32BE(at + 4);
    found.push(bytes.subarray(at + HEAD_BYTES, end));
    at = end;
  }
  return found;
}
