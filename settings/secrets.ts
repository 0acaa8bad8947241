/** The secrets of a bot: where they are, never what they are. */
import * as z from "zod";
import { variableFix, variableProblem } from "./environment.ts";
import { setting } from "./schema.ts";

/** A bot's section `secrets`: environment variable → key in the bot's namespace of Pulumi's configuration. */
export const secretsSchema = z
  .record(
    z.string(),
    setting(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/), {
      description: "",
      type: "text",
      allowed: "the key of a secret in Pulumi's configuration, not the secret itself",
      example: '"weatherKey"',
      secret: true,
    }),
  )
  .meta({
    description:
      "Secrets of the bot: the environment variable, and the key under which the bot's own namespace of Pulumi's configuration holds it. A change of a value is a release.",
    type: "object of texts",
    allowed: "an object with a configuration key for each environment variable",
    example: '{ WEATHER_KEY: "weatherKey" }',
  })
  .check((context) => {
    for (const name of Object.keys(context.value)) {
      const message = variableProblem(name);
      if (message === undefined) continue;
      const params = { fix: variableFix(name) };
      context.issues.push({ code: "custom", message, path: [name], params, input: name });
    }
  });
