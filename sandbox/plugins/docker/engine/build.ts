/**
 * Building an image on the engine's own machine: `POST /build` with the context as a tar body, with BuildKit
 * (version 2) or the classic builder (version 1).
 */
import { type BuildSecrets, openBuildSession } from "./build-session.ts";
import { traceText } from "./build-trace.ts";
import type { EngineClient } from "./client.ts";
import { jsonLines, member, memberText } from "./json-lines.ts";

/** What to build. */
export interface BuildOptions {
  readonly builder: "1" | "2";
  readonly tag: string;
  /** Path of the Dockerfile inside the context. */
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
  readonly network?: string;
  readonly extraHosts?: readonly string[];
  /** Given, BuildKit may ask for them, and for no logins of registries. */
  readonly secrets?: BuildSecrets;
  /** Whether the classic builder removes its containers; BuildKit has none. Default: no. */
  readonly remove?: boolean;
  readonly signal: AbortSignal;
  /** Gets a line of progress, in the official plugin's layout. */
  readonly log: (line: string) => void;
}

/**
 * Builds an image.
 *
 * @param context the context's tar, as it is produced
 * @returns the id of the image, `sha256:…`
 * @throws Error with what the builder said when it failed
 */
export async function buildImage(
  client: EngineClient,
  context: AsyncIterable<Buffer>,
  options: BuildOptions,
): Promise<string> {
  const session = options.builder === "2" ? await openBuildSession(client, options.secrets) : undefined;
  try {
    const response = await client
      .stream("POST", "/build", {
        query: queryOf(options, session?.id),
        headers: {
          "Content-Type": "application/x-tar",
          "X-Registry-Config": Buffer.from("{}").toString("base64url"),
        },
        body: context,
        signal: options.signal,
      })
      .catch((error: Error) => Promise.reject(new Error(`error building image: ${error.message}`)));
    return await imageIn(response, options.log);
  } finally {
    session?.close();
  }
}

function queryOf(
  options: BuildOptions,
  session: string | undefined,
): Record<string, string | readonly string[] | undefined> {
  return {
    t: options.tag,
    dockerfile: options.dockerfile,
    version: options.builder,
    rm: options.remove === true ? "1" : "0",
    buildargs: Object.keys(options.args).length === 0 ? undefined : JSON.stringify(options.args),
    target: options.target,
    platform: options.platform?.toLowerCase(),
    networkmode: options.network === "default" ? undefined : options.network,
    extrahosts: options.extraHosts,
    session,
  };
}

async function imageIn(response: AsyncIterable<Buffer>, log: (line: string) => void): Promise<string> {
  let image: string | undefined;
  for await (const line of jsonLines(response)) {
    const fault = member(line, "errorDetail");
    if (fault !== undefined || memberText(line, "error") !== undefined) {
      const message = memberText(fault, "message") ?? memberText(line, "error") ?? "the build failed";
      throw new Error(`error reading build output: ${message}`);
    }
    image = memberText(member(line, "aux"), "ID") ?? image;
    const text = progressText(line);
    if (text !== "") log(text);
  }
  if (image === undefined) throw new Error("no image id found in build output");
  return image;
}

/** One line of progress in words: pulumi-docker provider/image.go, `processLogLine`. */
function progressText(line: unknown): string {
  const words = [memberText(line, "from") ?? ""];
  if (member(line, "progressDetail") !== undefined && memberText(line, "progress") !== undefined) {
    words.push(`${memberText(line, "status") ?? ""} ${memberText(line, "progress") ?? ""}`);
  } else {
    words.push(memberText(line, "stream") ?? memberText(line, "status") ?? "");
  }
  const aux = member(line, "aux");
  if (memberText(line, "id") === "moby.buildkit.trace" && typeof aux === "string") {
    words.push(traceOf(aux));
  } else if (memberText(aux, "ID") !== undefined) {
    words.push(`Built image with ID ${memberText(aux, "ID") ?? ""}`);
  } else if (aux !== undefined) {
    words.push(JSON.stringify(aux));
  }
  return words.join("").trim();
}

function traceOf(aux: string): string {
  try {
    return traceText(Buffer.from(aux, "base64"));
  } catch (error) {
    return `failed to parse info bytes: ${error instanceof Error ? error.message : String(error)}`;
  }
}
