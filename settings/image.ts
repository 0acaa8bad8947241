/** References to container images. */
import * as z from "zod";
import { type About, setting } from "./schema.ts";

const DOMAIN = "(?:[a-zA-Z0-9.-]+(?::\\d{1,5})?/|\\[[0-9a-fA-F:]+\\](?::\\d{1,5})?/)?";
const PATH = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const TAG = "(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?";
const DIGEST = "(?:@(?<digest>sha256:[0-9a-f]{64}))?";
// The grammar of github.com/distribution/reference.
const REFERENCE = new RegExp(`^${DOMAIN}${PATH}(?:/${PATH})*${TAG}${DIGEST}$`);

/** What is wrong with an image reference, in words that follow its path, or undefined if it fits. */
export function imageProblem(text: string): string | undefined {
  const match = text.length <= 400 ? REFERENCE.exec(text) : null;
  if (match === null) return "is not an image reference";
  const { tag, digest } = match.groups ?? {};
  if (digest !== undefined) return undefined;
  if (tag === undefined) return "has no tag";
  // What such a tag means changes by itself: two runs of one program would deploy two things.
  return tag === "latest" ? "has a tag that moves" : undefined;
}

/** The digest of an image reference, `sha256:…`, or undefined if it has none. */
export function digestOf(reference: string): string | undefined {
  return REFERENCE.exec(reference)?.groups?.digest;
}

/**
 * The registry of an image reference: what stands before the first slash if it has a dot or a port, as Docker reads it
 * (github.com/distribution/reference, normalize.go); Docker Hub is `docker.io`.
 */
export function registryOf(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  const isRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isRegistry && first !== "index.docker.io" ? first : "docker.io";
}

/** The tag of an image reference, or undefined if it has none. */
export function tagOf(reference: string): string | undefined {
  return REFERENCE.exec(reference)?.groups?.tag;
}

/** The schema of a reference with a tag or a digest. */
export function imageReference(about: Pick<About, "description" | "example">) {
  return setting(z.string(), {
    ...about,
    type: "image",
    allowed: 'an image reference with a tag or digest, "name:tag" or "name@sha256:…", and not ":latest"',
  }).check((context) => {
    const problem = imageProblem(context.value);
    if (problem !== undefined)
      context.issues.push({ code: "custom", message: problem, input: context.value });
  });
}
