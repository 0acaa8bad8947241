import { relative } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../../settings/bot.ts";
import type { Host } from "../host/host.ts";

/** A bot's image on the host. */
export interface BotImage {
  /** The image's id: unlike a tag it changes with every build and every move of a tag, so that the container notices. */
  readonly id: pulumi.Output<string>;
  /** What it was made from, for people: the reference with its digest, `build`, or `pinned sha256:…`. */
  readonly reference: pulumi.Output<string>;
}

/**
 * The bot's image on the host: pulled, built there by BuildKit from a folder of this project, or the one that the bot
 * is pinned to, for which there is no resource.
 */
export function botImage(
  { name, image, pin }: Pick<BotSettings, "name" | "image" | "pin">,
  { host, platform }: { readonly host: Host; readonly platform: string },
  parent: pulumi.Resource,
): BotImage {
  if (pin !== undefined) return { id: pulumi.output(pin), reference: pulumi.output(`pinned ${pin}`) };
  const options = { parent, provider: host.provider };
  const resource = `${name}-image`;
  if (image.kind === "reference") {
    const reference = pulumi.output(host.tags.resolve(resource, image.reference));
    // Never removed by the plugin: the engine refuses while a container of an earlier release is there. A tag that moved
    // is another name, which replaces the resource; `pullTriggers` would find the old image under the old name.
    const pulled = new docker.RemoteImage(resource, { name: reference, keepLocally: true }, options);
    return { id: pulled.imageId, reference };
  }
  const built = new docker.Image(
    resource,
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
  );
  return { id: built.repoDigest, reference: pulumi.output("build") };
}

/** Paths in the state are relative to the project, so that a plan made elsewhere shows no change. */
function fromProject(path: string): string {
  return `./${relative(process.cwd(), path)}`;
}
