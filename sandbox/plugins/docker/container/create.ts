/**
 * Making a container: the official plugin's sequence of steps. What fails after the container exists leaves it there,
 * as a half-made resource.
 *
 * Source: terraform-provider-docker v4.5.0, resource_docker_container_funcs.go `resourceDockerContainerCreate`.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { PropertyMap } from "../../framework/values.ts";
import type { EngineClient } from "../engine/client.ts";
import { member, memberText } from "../engine/json-lines.ts";
import { tarOfFile } from "../engine/tar.ts";
import { mentions, reasonOf } from "../faults.ts";
import type { Logins } from "../registry/logins.ts";
import { findOrPull } from "../resources/remote-image.ts";
import { numberIn, objectsIn, setIn, textIn, trueIn } from "./inputs.ts";
import { containerOutput } from "./output.ts";
import { createRequest } from "./request.ts";

const HEALTH_POLL_MS = 1000;

/**
 * Creates the container, without starting it.
 *
 * @returns its id
 */
export async function createContainer(
  client: EngineClient,
  inputs: PropertyMap,
  pulling: { readonly logins: Logins; readonly log: (line: string) => void },
): Promise<string> {
  const image = textIn(inputs, "image");
  await findOrPull(client, image, pulling).catch((error: unknown) => {
    throw new Error(`Unable to create container with image ${image}: ${reasonOf(error)}`);
  });
  const json = createRequest(inputs, await client.version());
  const platform = textIn(inputs, "platform");
  const query = { name: textIn(inputs, "name"), ...(platform === "" ? {} : { platform }) };
  const answer = await client.json("POST", "/containers/create", { query, json }).catch((error: Error) => {
    throw new Error(`Unable to create container: ${error.message}`);
  });
  return memberText(answer, "Id") ?? "";
}

/**
 * Everything after the creation: networks, files, start, health, output.
 *
 * @returns the container's output, when it was asked for
 */
export async function bringUp(
  client: EngineClient,
  id: string,
  inputs: PropertyMap,
  signal: AbortSignal,
): Promise<string | undefined> {
  const networks = objectsIn(inputs, "networksAdvanced");
  if (networks.length > 0) await joinNetworks(client, id, networks);
  for (const upload of objectsIn(inputs, "uploads")) await uploadFile(client, id, upload);
  if (trueIn(inputs, "start")) {
    await client.json("POST", `/containers/${id}/start`).catch((error: Error) => {
      throw new Error(`Unable to start container: ${error.message}`);
    });
    if (trueIn(inputs, "wait")) await untilHealthy(client, id, numberIn(inputs, "waitTimeout"), signal);
  }
  if (!trueIn(inputs, "attach")) return undefined;
  return containerOutput(client, id, { collect: trueIn(inputs, "logs"), tty: trueIn(inputs, "tty"), signal });
}

async function joinNetworks(
  client: EngineClient,
  id: string,
  networks: readonly PropertyMap[],
): Promise<void> {
  const json = { Container: id, Force: false };
  await client.json("POST", "/networks/bridge/disconnect", { json }).catch((error: Error) => {
    if (mentions(error, "is not connected to the network bridge")) return;
    throw new Error(`Unable to disconnect the default network: ${error.message}`);
  });
  for (const network of networks) {
    const name = textIn(network, "name");
    await client
      .json("POST", `/networks/${encodeURIComponent(name)}/connect`, { json: endpoint(id, network) })
      .catch((error: Error) => {
        throw new Error(`Unable to connect to network '${name}': ${error.message}`);
      });
  }
}

function endpoint(id: string, network: PropertyMap) {
  const options = setIn(network, "driverOpts").map((option) => option.split(/=(.*)/s).slice(0, 2));
  return {
    Container: id,
    EndpointConfig: {
      IPAMConfig: {
        IPv4Address: textIn(network, "ipv4Address") || undefined,
        IPv6Address: textIn(network, "ipv6Address") || undefined,
        LinkLocalIPs: setIn(network, "linkLocalIps"),
      },
      Aliases: setIn(network, "aliases"),
      MacAddress: textIn(network, "macAddress"),
      DriverOpts: Object.fromEntries(options.filter((pair) => pair.length === 2)),
      ...(numberIn(network, "gwPriority") === 0 ? {} : { GwPriority: numberIn(network, "gwPriority") }),
    },
  };
}

async function uploadFile(client: EngineClient, id: string, upload: PropertyMap): Promise<void> {
  const content = await uploadContent(upload);
  const tar = tarOfFile(textIn(upload, "file"), uploadMode(upload), content, Date.now() / 1000);
  await client
    .json("PUT", `/containers/${id}/archive`, {
      query: { path: "/", noOverwriteDirNonDir: "true" },
      headers: { "Content-Type": "application/x-tar" },
      body: tar,
    })
    .catch((error: Error) => {
      throw new Error(`Unable to upload volume content: ${error.message}`);
    });
}

async function uploadContent(upload: PropertyMap): Promise<Buffer> {
  const [content, base64, source] = [
    textIn(upload, "content"),
    textIn(upload, "contentBase64"),
    textIn(upload, "source"),
  ];
  const given = [content, base64, source].filter((one) => one !== "").length;
  if (given === 0)
    throw new Error("error with upload content: one of 'content', 'content_base64', or 'source' must be set");
  if (given > 1) {
    throw new Error(
      "error with upload content: only one of 'content', 'content_base64', or 'source' can be set",
    );
  }
  if (base64 !== "") return Buffer.from(base64, "base64");
  if (source === "") return Buffer.from(content);
  return readFile(source).catch((error: Error) =>
    Promise.reject(new Error(`could not read file: ${error.message}`)),
  );
}

function uploadMode(upload: PropertyMap): number {
  const permissions = textIn(upload, "permissions");
  if (permissions !== "") return Number.parseInt(permissions, 8);
  return trueIn(upload, "executable") ? 0o744 : 0o644;
}

/** An unhealthy container is waited for all the same: only the time limit ends it. */
async function untilHealthy(
  client: EngineClient,
  id: string,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const health = await healthOf(client, id);
    if (health === "healthy") return;
    const left = end - Date.now();
    if (left > 0) await sleep(Math.min(HEALTH_POLL_MS, left), undefined, { signal });
    if (left <= HEALTH_POLL_MS) throw new Error("container failed to be in healthy state");
  }
}

async function healthOf(client: EngineClient, id: string): Promise<string> {
  const found = await client.json("GET", `/containers/${id}/json`).catch((error: Error) => {
    throw new Error(`error inspecting container state: ${error.message}`);
  });
  const status = memberText(member(member(found, "State"), "Health"), "Status");
  if (status !== undefined) return status;
  throw new Error(
    "you have supplied a 'wait' argument, but the container does not have a healthcheck defined. " +
      "Please remove the 'wait' argument or add a 'healthcheck' attribute",
  );
}
