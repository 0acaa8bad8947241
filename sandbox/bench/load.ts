/** Runs the load tool (images/load) in its container. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Workshop } from "./workshop.ts";

/** How connections are used: kept, made for each request, or made for each request with a resumed TLS session. */
export type Connections = "kept" | "fresh" | "resumed";

export interface LoadOptions {
  readonly connections: number;
  readonly mode: Connections;
  /** Measured from the moment at which all connections are at work. */
  readonly seconds: number;
  /** Requests per second; 0: as many as can be had. */
  readonly rate: number;
  readonly targets: readonly Target[];
}

/** Where updates are sent to. */
export interface Target {
  readonly tls: boolean;
  readonly address: string;
  readonly port: number;
  readonly path: string;
  /** Host name; undefined: the address, and no SNI. */
  readonly name: string | undefined;
  readonly secret: string | undefined;
}

/** What the load tool counted; times in milliseconds. */
export interface LoadResult {
  readonly seconds: number;
  readonly good: number;
  /** Answered with something else than 200. */
  readonly refused: number;
  readonly lastStatus: number;
  /** Sent, and the connection ended before the answer. */
  readonly broken: number;
  readonly unopened: number;
  readonly reopened: number;
  readonly connected: number;
  readonly resumed: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** An update of about 600 bytes, as Telegram sends it for a text message in a group. */
export function sampleUpdate(): string {
  const person = {
    id: 987654321,
    is_bot: false,
    first_name: "Ekaterina",
    last_name: "Sokolova",
    username: "esokolova",
  };
  const chat = {
    id: -1001234567890,
    title: "Neighbours of Garden Street",
    username: "garden_street",
    type: "supergroup",
  };
  const text =
    "Does anyone know when the water comes back? It has been off since eleven this morning on our side. ".repeat(
      2,
    );
  const message = {
    ...{
      message_id: 48211,
      from: { ...person, language_code: "en" },
      chat,
      date: 1767225600,
      text: text.trim(),
    },
    entities: [{ offset: 0, length: 4, type: "bold" }],
  };
  return JSON.stringify({ update_id: 730218455, message });
}

/**
 * Loads the targets; `whenReady` runs from the moment at which all connections are at work, and what it gives is given
 * on. It should end before the load does.
 *
 * @throws Error with what the tool said
 */
export async function load<T>(
  { engine, loader }: Workshop,
  options: LoadOptions,
  whenReady: () => Promise<T>,
): Promise<{ result: LoadResult; sampled: T }> {
  const { connections, mode, seconds, rate, targets } = options;
  const child = engine.start([
    ...["docker", "exec", "--interactive", loader, "load"],
    ...[String(connections), mode, String(seconds), String(rate)],
  ]);
  const lines = targets.map(({ tls, address, port, path, name, secret }) =>
    [tls ? "tls" : "plain", address, port, path, name ?? "-", secret ?? "-"].join(" "),
  );
  child.stdin.end(`${[sampleUpdate(), ...lines].join("\n")}\n`);
  const { ready, result } = outputOf(child);
  const before = await Promise.race([ready, result]);
  if (before !== undefined) throw new Error(`the edge did not answer: ${JSON.stringify(before)}`);
  const sampled = await whenReady();
  return { result: await result, sampled };
}

function outputOf(child: ChildProcessWithoutNullStreams) {
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const output = createInterface({ input: child.stdout });
  let last = "";
  const ready = new Promise<undefined>((resolve) => {
    output.on("line", (line) => {
      if (line === "ready") resolve(undefined);
      else last = line;
    });
  });
  const result = Promise.all([once(child, "close"), once(output, "close")]).then(([[code]]) => {
    if (code !== 0) throw new Error(`the load tool ended with code ${String(code)}: ${errors.join("")}`);
    return JSON.parse(last) as LoadResult;
  });
  return { ready, result };
}
