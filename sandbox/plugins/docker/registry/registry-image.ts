/**
 * The function getRegistryImage: which digest a tag stands for, asked from the operator's machine.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/data_source_docker_registry_image.go and
 * authentication_helpers.go; pulumi-docker, patches/0002.
 */
import { createHash } from "node:crypto";
import type { PropertyMap } from "../../framework/values.ts";
import { reasonOf, withBridgedErrors } from "../faults.ts";
import { type Answer, send } from "./http.ts";
import { type Login, type Logins, loginFor, parseImageName } from "./logins.ts";

export const GET_REGISTRY_IMAGE = "docker:index/getRegistryImage:getRegistryImage";

const MANIFESTS = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
].join(", ");
const OLD_MANIFEST = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/** Answers the function. */
export async function getRegistryImage(args: PropertyMap, logins: Logins): Promise<PropertyMap> {
  const { name, insecureSkipVerify } = args;
  if (typeof name !== "string" || name === "") throw new Error("Missing required argument: name");
  if (insecureSkipVerify === true) {
    throw new Error(
      '"insecureSkipVerify" is not supported by the sandbox\'s stand-in plugin: set SSL_CERT_FILE',
    );
  }
  try {
    const sha256Digest = await withBridgedErrors(() => digestOf(name, logins));
    return { id: sha256Digest, insecureSkipVerify: false, name, sha256Digest };
  } catch (error) {
    throw new Error(`invoking ${GET_REGISTRY_IMAGE}: ${reasonOf(error)}`);
  }
}

async function digestOf(image: string, logins: Logins): Promise<string> {
  const { registry, repository, tag } = parseImageName(image);
  const login = loginFor(logins, registry);
  const url = `${login.address}/v2/${repository}/manifests/${tag}`;
  const question = { url, registry, repository, login };
  try {
    return await ask({ ...question, accept: MANIFESTS }).catch(() =>
      ask({ ...question, accept: OLD_MANIFEST }),
    );
  } catch (error) {
    const reason = reasonOf(error);
    throw new Error(
      `Got error when attempting to fetch image version ${repository}:${tag} from registry: ${reason}`,
    );
  }
}

interface Question {
  readonly url: string;
  readonly registry: string;
  readonly repository: string;
  readonly login: Login;
  readonly accept: string;
}

async function ask({ url, registry, repository, login, accept }: Question): Promise<string> {
  const authorization = login.username === "" ? undefined : firstAuthorization(registry, login);
  const request = (method: "HEAD" | "GET", proof: string | undefined) =>
    send({
      method,
      url,
      headers: { Accept: accept, ...(proof === undefined ? {} : { Authorization: proof }) },
    });
  const first = await request("HEAD", authorization).catch((error: unknown) => {
    throw new Error(`Error during registry request: ${reasonOf(error)}`);
  });
  if (first.status === 200) return digestIn(first);
  if (first.status !== 401) throw new Error(`got bad response from registry: ${first.statusText}`);
  const token = await tokenFor(first, repository, login);
  const second = granted(await request("HEAD", `Bearer ${token}`));
  if (hasDigest(second)) return digestIn(second);
  return digestIn(granted(await request("GET", `Bearer ${token}`)));
}

/** These registries take a token where others take the password. */
function firstAuthorization(registry: string, { username, password }: Login): string {
  const takesToken = registry === "ghcr.io" || registry === "gcr.io" || registry.endsWith(".azurecr.io");
  return takesToken
    ? `Bearer ${Buffer.from(password).toString("base64")}`
    : `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function granted(answer: Answer): Answer {
  if (answer.status !== 200) throw new Error(`got bad response from registry: ${answer.statusText}`);
  return answer;
}

function hasDigest(answer: Answer): boolean {
  return answer.digest !== undefined || answer.body.length > 0;
}

function digestIn({ digest, body }: Answer): string {
  if (digest !== undefined) return digest;
  if (body.length === 0) throw new Error("error reading registry response body: %!s(<nil>)");
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

async function tokenFor(refusal: Answer, repository: string, login: Login): Promise<string> {
  const challenge = refusal.challenge ?? "";
  if (!challenge.startsWith("Bearer")) throw new Error(`bad credentials: ${refusal.statusText}`);
  const parts = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value] as const),
  );
  const query = new URLSearchParams({
    scope: parts.get("scope") || `repository:${repository}:push,pull`,
    service: parts.get("service") ?? "",
  });
  const url = `${parts.get("realm") ?? ""}?${query.toString()}`;
  const proof = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  const request = (headers: Record<string, string>) => send({ method: "GET", url, headers });
  let answer = await request(login.username === "" ? {} : { Authorization: proof });
  if (login.username !== "" && (answer.status === 401 || answer.status === 403)) answer = await request({});
  const body = JSON.parse(granted(answer).body.toString("utf8")) as { token?: string; access_token?: string };
  const token = body.token || body.access_token;
  if (token === undefined) throw new Error("Error unsupported OAuth response");
  return token;
}
