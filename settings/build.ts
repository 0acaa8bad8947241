/** A bot's image that the host builds. */
import * as z from "zod";
import { buildSecretsSchema } from "./build-secrets.ts";
import { setting } from "./schema.ts";

const RELATIVE_PATH = /^(?:\.{1,2}\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/?$/;

/** A bot's section `image`, if it isn't a reference. */
export const buildSchema = z.strictObject({
  build: setting(z.string().max(200).regex(RELATIVE_PATH), {
    description: "The folder of the build (Docker's build context), relative to bots/.",
    type: "folder",
    allowed: "a folder relative to bots/",
    example: '"./hello"',
  }),
  dockerfile: setting(z.string().max(200).regex(RELATIVE_PATH), {
    description: "The Dockerfile, relative to the build's folder.",
    type: "file",
    allowed: "a file relative to the build's folder",
    example: '"Dockerfile"',
  }).prefault("Dockerfile"),
  args: z
    .record(
      z.string(),
      setting(z.string(), {
        description: "",
        type: "text",
        allowed: "text",
        example: '"3.13"',
        secret: true,
      }),
    )
    .meta({
      description:
        "Arguments of the build (Docker's `--build-arg`). They can be read in the image: never put a secret here, but in `secrets`.",
      type: "object of texts",
      allowed: "an object with a text for each argument",
      example: '{ VERSION: "3.13" }',
    })
    .prefault({}),
  secrets: buildSecretsSchema.prefault({}),
  target: setting(z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/), {
    description: "The stage of the Dockerfile that is built (Docker's `--target`).",
    type: "text",
    allowed: "the name of a stage",
    example: '"runtime"',
    default: "the last one",
  }).optional(),
});
