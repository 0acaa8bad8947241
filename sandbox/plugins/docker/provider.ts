/** The stand-in for the official Pulumi docker plugin 5.2.0: its configuration and its resources. */
import type { Provider } from "../framework/resource.ts";
import type { PropertyMap } from "../framework/values.ts";
import { container } from "./container/container.ts";
import { type Host, type HostSettings, openHost } from "./host.ts";
import { loginsIn, registryAuthField } from "./registry/logins.ts";
import { GET_REGISTRY_IMAGE, getRegistryImage } from "./registry/registry-image.ts";
import { image } from "./resources/image.ts";
import { network } from "./resources/network.ts";
import { remoteImage } from "./resources/remote-image.ts";
import { volume } from "./resources/volume.ts";

const TLS = "TLS to an engine is not part of the stand-in; use ssh:// or unix://";

/** The provider. */
export const docker: Provider<Host> = {
  name: "docker",
  version: "v5.2.0",
  flavour: "sdk",
  noHandshake: "method Handshake not implemented",
  config: {
    host: { kind: "string" },
    sshOpts: { kind: "list" },
    disableDockerDaemonCheck: { kind: "bool" },
    context: { kind: "string", unsupported: "give the address of the engine as host" },
    registryAuth: registryAuthField,
    caMaterial: { kind: "string", unsupported: TLS },
    certMaterial: { kind: "string", unsupported: TLS },
    keyMaterial: { kind: "string", unsupported: TLS },
    certPath: { kind: "string", unsupported: TLS },
  },
  configure: (config) => openHost(settingsIn(config), process.env),
  resources: [network, volume, remoteImage, image, container],
  functions: { [GET_REGISTRY_IMAGE]: ({ provider, args }) => getRegistryImage(args, provider.logins) },
  refused: {
    "docker:index/serviceConfig:ServiceConfig": "swarm is not part of the stand-in",
    "docker:index/secret:Secret": "swarm is not part of the stand-in",
    "docker:index/service:Service": "swarm is not part of the stand-in",
    "docker:index/plugin:Plugin": "engine plugins are not part of the stand-in",
    "docker:index/registryImage:RegistryImage": "nothing is pushed to registries",
    "docker:index/tag:Tag": "name the image when it is built",
    "docker:index/buildxBuilder:BuildxBuilder": "use docker.Image, which builds on the host",
  },
};

function settingsIn(config: PropertyMap): HostSettings {
  const { host, sshOpts, disableDockerDaemonCheck, registryAuth } = config;
  return {
    ...(typeof host === "string" && host !== "" ? { host } : {}),
    ...(Array.isArray(sshOpts) ? { sshOpts: sshOpts.filter((word) => typeof word === "string") } : {}),
    disableDockerDaemonCheck: disableDockerDaemonCheck === true,
    logins: loginsIn(registryAuth),
  };
}
