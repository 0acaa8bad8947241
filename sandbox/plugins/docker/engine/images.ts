/** Images on the engine: finding, pulling, removing. */
import { type EngineClient, isNotFound } from "./client.ts";
import { jsonLines, memberList, memberText, memberTexts } from "./json-lines.ts";

/** An image on the engine. */
export interface StoredImage {
  /** `sha256:…` */
  readonly id: string;
  /** `repository@sha256:…`, one for every registry that it came from or went to. */
  readonly repoDigests: readonly string[];
}

/** An image by name or id; undefined when the engine has none, or only as a part of another. */
export async function findImage(client: EngineClient, name: string): Promise<StoredImage | undefined> {
  const inspected = await client.json("GET", `/images/${imagePath(name)}/json`).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const id = memberText(inspected, "Id");
  if (id === undefined) return undefined;
  // The official plugin also wants it in the list of images, which leaves out intermediate ones.
  return (await listImages(client)).find((image) => image.id === id);
}

/** The images that `docker images` lists. */
export async function listImages(client: EngineClient): Promise<readonly StoredImage[]> {
  const list = await client.json("GET", "/images/json");
  return memberList({ list }, "list").map((image) => ({
    id: memberText(image, "Id") ?? "",
    repoDigests: memberTexts(image, "RepoDigests"),
  }));
}

/** The id of the image that a name stands for now. */
export async function imageId(client: EngineClient, name: string): Promise<string> {
  return memberText(await client.json("GET", `/images/${imagePath(name)}/json`), "Id") ?? "";
}

/** How an image is pulled. */
export interface PullOptions {
  /** Empty: the engine's own. */
  readonly platform: string;
  /** The login, as the engine's API takes it; empty: none. */
  readonly auth: Readonly<Record<string, string>>;
  /** Gets the engine's progress, one line a step. */
  readonly log: (line: string) => void;
}

/**
 * Pulls an image.
 *
 * @returns what went wrong in the middle of it; undefined when nothing did
 * @throws Error with what the engine said when it refused at once
 */
export async function pullImage(
  client: EngineClient,
  name: string,
  { platform, auth, log }: PullOptions,
): Promise<string | undefined> {
  const { repository, tag } = pullReference(name);
  const response = await client.stream("POST", "/images/create", {
    query: { fromImage: repository, tag, ...(platform === "" ? {} : { platform: platform.toLowerCase() }) },
    headers: { "X-Registry-Auth": base64Url(JSON.stringify(auth)) },
  });
  let fault: string | undefined;
  for await (const line of jsonLines(response)) {
    fault ??= memberText(line, "error");
    const status = memberText(line, "status");
    if (status !== undefined && memberText(line, "progress") === undefined) {
      log(`${memberText(line, "id") ?? ""} ${status}`.trim());
    }
  }
  return fault;
}

/** With padding, as Go's base64.URLEncoding wants it. */
function base64Url(text: string): string {
  return Buffer.from(text).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** Removes an image by name. */
export async function removeImage(client: EngineClient, name: string, force: boolean): Promise<void> {
  await client.json("DELETE", `/images/${imagePath(name)}`, { query: force ? { force: "1" } : {} });
}

/** Slashes stay: the engine's routes take names with them. */
function imagePath(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** A name in docker's full spelling, split as `POST /images/create` wants it; a digest counts more than a tag. */
function pullReference(name: string): { readonly repository: string; readonly tag: string } {
  const [named = "", digest] = name.split("@");
  const lastSlash = named.lastIndexOf("/");
  const colon = named.indexOf(":", lastSlash + 1);
  const repository = colon === -1 ? named : named.slice(0, colon);
  const tag = digest ?? (colon === -1 ? "latest" : named.slice(colon + 1));
  const first = repository.split("/")[0] ?? "";
  const hasRegistry = repository.includes("/") && (/[.:]/.test(first) || first === "localhost");
  if (hasRegistry) return { repository, tag };
  return {
    repository: repository.includes("/") ? `docker.io/${repository}` : `docker.io/library/${repository}`,
    tag,
  };
}
