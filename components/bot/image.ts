import { isAbsolute, relative } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../../settings/bot.ts";
import type { BuildSecret } from "../../settings/build-secrets.ts";
import type { Host } from "../host/host.ts";
import { buildDigest } from "./build-digest.ts";

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
  const tag = `botgarden/${name}:latest`;
  const parts = {
    context: fromProject(image.context),
    dockerfile: fromProject(image.dockerfile),
    // Without it the plugin builds for the operator's own architecture.
    platform,
    ...(image.target === undefined ? {} : { target: image.target }),
  };
  const id =
    image.secrets.length === 0
      ? new docker.Image(
          resource,
          {
            imageName: tag,
            skipPush: true,
            build: {
              ...parts,
              args: image.args,
              builderVersion: docker.BuilderVersion.BuilderBuildKit,
            },
          },
          options,
        ).repoDigest
      : builtWithSecrets(resource, tag, image, parts, options);
  return { id, reference: pulumi.output("build") };
}

type Build = Extract<BotSettings["image"], { kind: "build" }>;

/**
 * An image whose build takes secrets: `docker.Image` can't hand any over. The plugin reads them itself, from its
 * environment (which is that of `pulumi up`) or their files, so that Pulumi knows only their names.
 */
function builtWithSecrets(
  resource: string,
  tag: string,
  image: Build,
  parts: { readonly context: string; readonly dockerfile: string; readonly platform: string },
  options: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const built = new docker.RemoteImage(
    resource,
    {
      name: tag,
      // A new build has the same name: what is removed is the old resource, never the image.
      keepLocally: true,
      triggers: { context: buildDigest(image.context, image.dockerfile) },
      build: {
        ...parts,
        ...(Object.keys(image.args).length === 0 ? {} : { buildArgs: image.args }),
        secrets: image.secrets.map(secretSource),
        // This way is BuildKit, too, and on the host; the plugin's other one builds on the operator's own Docker.
        useLegacyBuilder: true,
        // Not used then, but BUILDX_BUILDER in somebody's environment would be a change.
        builder: "default",
      },
    },
    options,
  );
  return built.imageId;
}

function secretSource(secret: BuildSecret) {
  if (secret.kind === "env") return { id: secret.id, env: secret.variable };
  const inside = relative(process.cwd(), secret.path);
  const isOutside = inside.startsWith("../") || isAbsolute(inside);
  return { id: secret.id, src: isOutside ? secret.path : fromProject(secret.path) };
}

/** Paths in the state are relative to the project, so that a plan made elsewhere shows no change. */
function fromProject(path: string): string {
  return `./${relative(process.cwd(), path)}`;
}
