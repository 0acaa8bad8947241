import { relative } from "node:path";
import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../../settings/bot.ts";
import type { Host } from "../host/host.ts";

/**
 * The bot's image on the host: pulled, or built there by BuildKit from a folder of this project.
 *
 * @returns the image's id: unlike a tag it changes with every build, so that the container notices
 */
export function botImage(
  name: string,
  image: BotSettings["image"],
  { host, platform }: { readonly host: Host; readonly platform: string },
  parent: pulumi.Resource,
): pulumi.Output<string> {
  const options = { parent, provider: host.provider };
  if (image.kind === "reference") {
    // Never removed by the plugin: the engine refuses while a container of an earlier release is there.
    return new docker.RemoteImage(`${name}-image`, { name: image.reference, keepLocally: true }, options)
      .imageId;
  }
  return new docker.Image(
    `${name}-image`,
    {
      imageName: `botgarden/${name}:latest`,
      skipPush: true,
      build: {
        context: fromProject(image.context),
        dockerfile: fromProject(image.dockerfile),
        builderVersion: docker.BuilderVersion.BuilderBuildKit,
        // Without it the plugin builds for the operator's own architecture.
        platform,
        args: image.args,
        ...(image.target === undefined ? {} : { target: image.target }),
      },
    },
    options,
  ).repoDigest;
}

/** Paths in the state are relative to the project, so that a plan made elsewhere shows no change. */
function fromProject(path: string): string {
  return `./${relative(process.cwd(), path)}`;
}
