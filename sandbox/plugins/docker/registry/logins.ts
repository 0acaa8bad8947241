/**
 * The logins of the provider's `registryAuth`, and which of them an image's name gets.
 *
 * Source: terraform-provider-docker v4.5.0, internal/provider/provider.go `providerSetToRegistryAuth`, config.go
 * `canonicalizeRegistryAddress`, resource_docker_image_funcs.go `parseImageOptions`.
 */
import type { Field } from "../../framework/resource.ts";
import { isMap, type Value } from "../../framework/values.ts";

/** The provider's setting. */
export const registryAuthField: Field = {
  kind: "list",
  of: {
    kind: "object",
    fields: {
      address: { kind: "string", required: true },
      username: { kind: "string" },
      password: { kind: "string" },
      authDisabled: { kind: "bool", unsupported: "a registry without a login needs no registryAuth" },
      configFile: { kind: "string", unsupported: "give username and password" },
      configFileContent: { kind: "string", unsupported: "give username and password" },
    },
  },
};

/** A login at a registry. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** With its protocol: `https://ghcr.io`. */
  readonly address: string;
}

/** Logins by their registry, `ghcr.io`. */
export type Logins = ReadonlyMap<string, Login>;

/** The logins in the provider's configuration. */
export function loginsIn(setting: Value | undefined): Logins {
  const logins = new Map<string, Login>();
  for (const one of Array.isArray(setting) ? setting : []) {
    if (!isMap(one)) continue;
    const { address, username, password } = one;
    const text = typeof address === "string" ? address : "";
    const protocol = text.startsWith("http://") ? "http://" : "https://";
    const registry = text.replace(/^https?:\/\//, "").split("/")[0] ?? "";
    logins.set(registry, {
      username: typeof username === "string" ? username : (process.env.DOCKER_REGISTRY_USER ?? ""),
      password: typeof password === "string" ? password : (process.env.DOCKER_REGISTRY_PASS ?? ""),
      address: `${protocol}${registry}`,
    });
  }
  return logins;
}

/** What the official plugin takes an image's name for. */
export interface ImageName {
  readonly registry: string;
  readonly repository: string;
  /** A tag or a digest. */
  readonly tag: string;
}

const HUB = "registry-1.docker.io";

/** An image's name, split by the official plugin's own rules: what has two slashes has a registry. */
export function parseImageName(image: string): ImageName {
  const first = image.split("/")[0] ?? "";
  const slashes = image.split("/").length - 1;
  const named = slashes > 1 || (slashes === 1 && (/[.:]/.test(first) || first === "localhost"));
  const rest = named ? image.slice(first.length + 1) : image;
  const colon = rest.indexOf(":");
  const repository = colon === -1 ? rest : rest.slice(0, colon);
  const tagged = colon === -1 ? "" : rest.slice(colon + 1);
  const tag = (tagged.includes("@") ? tagged.slice(tagged.indexOf("@") + 1) : tagged) || "latest";
  if (named) return { registry: first, repository, tag };
  return { registry: HUB, repository: repository.includes("/") ? repository : `library/${repository}`, tag };
}

/** What the engine takes as `X-Registry-Auth` for the pull of an image; empty without a login. */
export function pullAuth(logins: Logins, image: string): Readonly<Record<string, string>> {
  const login = logins.get(parseImageName(image).registry);
  if (login === undefined) return {};
  return { username: login.username, password: login.password, serveraddress: login.address };
}

const HUB_NAMES = [HUB, "index.docker.io", "docker.io", "registry.hub.docker.com"];

/** The login for asking a registry about an image: Docker Hub's counts under each of its names. */
export function loginFor(logins: Logins, registry: string): Login {
  const names = HUB_NAMES.includes(registry) ? [registry, ...HUB_NAMES] : [registry];
  const found = names.map((name) => logins.get(name)).find((login) => login !== undefined);
  return found ?? { username: "", password: "", address: `https://${registry}` };
}
