/** The secrets of an image's build: where they are on the machine that runs Pulumi, never what they are. */
import { accessSync, constants, statSync } from "node:fs";
import * as z from "zod";
import type { BotSettings } from "./bot.ts";
import type { Fault } from "./fault.ts";
import { filePathSchema } from "./file-path.ts";
import { rule, setting } from "./schema.ts";
import { shown, shownPath } from "./shown.ts";

/** Where one secret of a build is. */
export type BuildSecret = { readonly id: string } & (
  | { readonly kind: "env"; readonly variable: string }
  /** `path` is absolute. */
  | { readonly kind: "file"; readonly path: string }
);

/** BuildKit's own limit (moby/buildkit session/secrets/secretsprovider). */
const MOST_BYTES = 500 * 1024;

const sourceSchema = rule(
  z.strictObject({
    env: setting(z.string().regex(/^[A-Z_][A-Z0-9_]{0,127}$/), {
      description: "The environment variable of `pulumi up` that holds the secret.",
      type: "text",
      allowed:
        "the name of an environment variable, in upper-case letters, digits and underscores, not the secret itself",
      example: '"NPM_TOKEN"',
      secret: true,
    }).optional(),
    file: filePathSchema({
      description: "The file that holds the secret, on the machine that runs Pulumi.",
      allowed: "a file's path: absolute, from ~/, or relative to bots/",
      example: '"~/.netrc"',
    }).optional(),
  }),
  {
    path: "env",
    aboutPresence: true,
    problem: "and file are alternatives, and exactly one of them is needed",
    fix: 'For example: { env: "NPM_TOKEN" }.',
  },
  ({ env, file }) => (env === undefined) !== (file === undefined),
).meta({
  description: "",
  type: "object",
  allowed: 'an object like { env: "NPM_TOKEN" } or { file: "~/.netrc" }',
  example: '{ env: "NPM_TOKEN" }',
  secret: true,
});

/** A build's section `secrets`: the id that the Dockerfile names → where the secret is. */
export const buildSecretsSchema = z
  .record(z.string(), sourceSchema)
  .meta({
    description:
      "Secrets of the build (Docker's `--secret`), which the Dockerfile reads with `RUN --mount=type=secret,id=…`: for each id the environment variable of `pulumi up` (`env`) or the file on that machine (`file`, from `~/` or relative to bots/) that holds it. The value goes to the host for the build alone: not into the image, not into Pulumi's state. A changed value alone builds nothing anew.",
    type: "object of objects",
    allowed: 'an object with { env: "…" } or { file: "…" } for each id',
    example: '{ npm: { env: "NPM_TOKEN" } }',
  })
  .check((context) => {
    for (const id of Object.keys(context.value)) {
      if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(id)) continue;
      const params = { fix: "Ids are letters, digits, dots, hyphens and underscores, for example npm." };
      context.issues.push({
        code: "custom",
        message: "is not the id of a secret",
        path: [id],
        params,
        input: id,
      });
    }
  });

/**
 * What is wrong with the secrets of the builds on this machine: for the Docker plugin a variable that isn't set is an
 * empty secret, with which the build goes on. A pinned bot builds nothing.
 */
export function buildSecretFaults(
  bots: readonly BotSettings[],
  environment: Readonly<Record<string, string | undefined>>,
): Fault[] {
  return bots.flatMap(({ file, image, pin }) => {
    if (image.kind !== "build" || pin !== undefined) return [];
    return image.secrets.flatMap((secret): Fault[] => {
      const place = { where: file, path: shownPath(["image", "secrets", secret.id, secret.kind]) };
      if (secret.kind === "env") {
        const value = environment[secret.variable];
        if (value !== undefined && value !== "") return [];
        const problem = `names an environment variable that is ${value === "" ? "empty" : "not set"}`;
        const fix = `Set it in the shell that runs pulumi: read -rs ${secret.variable} && export ${secret.variable}.`;
        return [{ ...place, problem, got: shown(secret.variable), fix }];
      }
      const problem = fileProblem(secret.path);
      if (problem === undefined) return [];
      const fix = "Put the file there on the machine that runs pulumi, or correct the path.";
      return [{ ...place, problem: `names a file that ${problem}`, got: shown(secret.path), fix }];
    });
  });
}

/** What is wrong with a secret's file, in words that follow "that", or undefined. */
function fileProblem(path: string): string | undefined {
  try {
    const status = statSync(path);
    if (!status.isFile()) return "is not a file";
    if (status.size === 0) return "is empty";
    if (status.size > MOST_BYTES) return `is bigger than ${MOST_BYTES / 1024} KB`;
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return reason === "ENOENT" ? "doesn't exist" : `can't be read (${reason})`;
  }
}
