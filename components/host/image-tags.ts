import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { digestOf, registryOf } from "../../settings/image.ts";
import { WITHOUT_REGISTRIES } from "../../settings/pins.ts";
import { setPassword, setUsername } from "../registries.ts";
import { type State, stateOfStack } from "../state.ts";

/**
 * Which images tags stand for now. The operator's machine asks the registries, so that a preview tells it while the
 * host is down.
 */
export class ImageTags {
  readonly #provider: docker.Provider;
  readonly #logins: ReadonlySet<string>;
  readonly #patience: number;
  readonly #warned = new Set<string>();
  #state: Promise<State> | undefined;

  /**
   * @param logins the registries for which the provider has a login
   * @param patience milliseconds after which a registry is told to be slow
   */
  constructor(provider: docker.Provider, logins: readonly string[], patience = 20_000) {
    this.#provider = provider;
    this.#logins = new Set(logins);
    this.#patience = patience;
  }

  /**
   * The reference with the digest of the image that its tag stands for now, in the plugin's spelling. A reference that
   * has one is never looked up. If the registry gives no answer, it is warned, and the digest that was deployed with this reference stays.
   *
   * @param resource name of the RemoteImage that the stack has for this reference
   * @returns in a preview the reference as it is if nothing is known of it
   * @throws pulumi.RunError in an `up` that can't know what to deploy
   */
  async resolve(resource: string, reference: string): Promise<string> {
    const name = nameForPlugin(reference);
    if (digestOf(name) !== undefined) return name;
    if (process.env[WITHOUT_REGISTRIES] === "1") return (await this.#deployed(resource, name)) ?? name;
    let problem: Problem;
    const patience = setTimeout(() => this.#tellWaiting(registryOf(reference)), this.#patience);
    try {
      const { sha256Digest } = await docker.getRegistryImage({ name }, { provider: this.#provider });
      return `${name}@${sha256Digest}`;
    } catch (error) {
      problem = problemOf(reference, reasonIn(error), this.#logins.has(registryOf(reference)));
    } finally {
      clearTimeout(patience);
    }
    const deployed = await this.#deployed(resource, name);
    if (deployed === undefined && !pulumi.runtime.isDryRun()) {
      throw unreleasable(`${reference} can't be released: ${problem.what}. ${problem.fix}`);
    }
    const result = deployed === undefined ? "`pulumi up` will not release it." : "What runs now stays.";
    this.#warn(problem.about, `${problem.what}. ${result} ${problem.fix}`);
    return deployed ?? name;
  }

  /** The plugin waits without end for a registry that takes the connection and then says nothing. */
  #tellWaiting(registry: string): void {
    this.#warn(
      `${registry} is slow`,
      `The registry ${registry} has not answered for ${this.#patience / 1000} seconds; waiting for it. ` +
        "Ctrl-C ends this run in good order, and the next `pulumi up` goes on from there",
    );
  }

  /** A registry that is down is told once, not once per bot. */
  #warn(about: string, message: string): void {
    if (this.#warned.has(about)) return;
    this.#warned.add(about);
    void pulumi.log.warn(message);
  }

  async #deployed(resource: string, reference: string): Promise<string | undefined> {
    this.#state ??= stateOfStack();
    const end = `docker:index/remoteImage:RemoteImage::${resource}`;
    const entry = Object.entries(await this.#state).find(([urn]) => urn.endsWith(end));
    const { name, repoDigest } = entry?.[1].outputs ?? {};
    if (typeof name === "string" && name.startsWith(`${reference}@`)) return name;
    // A garden from before digests were looked up.
    const digest = name === reference && typeof repoDigest === "string" ? digestOf(repoDigest) : undefined;
    return digest === undefined ? undefined : `${reference}@${digest}`;
  }
}

/**
 * An error of which Pulumi prints this message alone. It reaches Pulumi through the inputs of resources, and each would
 * put its property's name before it (pulumi, sdk/nodejs/runtime/rpc.ts, `serializeFilteredProperties`).
 */
function unreleasable(message: string): pulumi.RunError {
  const ignore = (): void => undefined;
  return Object.defineProperty(new pulumi.RunError(message), "message", { get: () => message, set: ignore });
}

/** Why a tag is not known. */
interface Problem {
  /** What one warning is enough for. */
  readonly about: string;
  readonly what: string;
  readonly fix: string;
}

function problemOf(reference: string, reason: string, hasLogin: boolean): Problem {
  const registry = registryOf(reference);
  if (/\b(?:401|403)\b/.test(reason)) {
    return hasLogin
      ? {
          about: `${registry} login`,
          what: `${registry} refuses the login in botgarden:registries for ${reference}`,
          fix: `Set a password that may read it with: ${setPassword(registry)}`,
        }
      : {
          about: `${registry} login`,
          what: `${registry} wants a login for ${reference}, or has no such image`,
          fix: `Give it one with: ${setUsername(registry)} && ${setPassword(registry)}`,
        };
  }
  if (/\b404\b/.test(reason)) {
    return {
      about: reference,
      what: `${registry} has no ${reference}`,
      fix: "Correct the bot's image, or push it.",
    };
  }
  return {
    about: registry,
    what: `The registry ${registry} can't be reached from this machine (${reason})`,
    fix: "Run it again when the registry answers.",
  };
}

/** The plugin takes every name before a slash for a machine's, and Docker Hub answers under another one. */
function nameForPlugin(reference: string): string {
  return reference.replace(/^(?:index\.)?docker\.io\//, "");
}

/** The last part of the plugin's message, without its framing (data_source_docker_registry_image.go). */
function reasonIn(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split("\n").findLast((one) => one.trim() !== "") ?? text;
  return line
    .replace(/^.* from registry: /, "")
    .replace(/^[Ee]rror during registry request: \w+ "[^"]*": /, "")
    .trim();
}
