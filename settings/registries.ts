/** The logins of private registries, from which bots' images are pulled. */
import * as z from "zod";
import { setting } from "./schema.ts";

/** A registry as an image's reference names it: with a dot or a port, and in small letters. */
const REGISTRY = /^(?=.{1,255}$)(?=.*[.:])[a-z0-9]+(?:[.-]+[a-z0-9]+)*(?::\d{1,5})?$/;
/** Docker Hub's own machines. */
const DOCKER_HUB = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"];

const login = z.strictObject({
  username: setting(z.string().regex(/^[^\s:]{1,255}$/), {
    description: "The login's name.",
    type: "text",
    allowed: "a name without spaces and colons",
    example: "me",
  }),
  password: setting(z.string().regex(/^[!-~]{1,10000}$/), {
    description: "The login's password, or a token that may read images.",
    type: "secret",
    allowed: "printable ASCII without spaces",
    example: "",
    secret: true,
  }),
});

/** The stack's section `registries`: registry → login. Not in `StackSettings`: see components/registries.ts. */
export const registriesSchema = setting(z.record(z.string(), login), {
  description:
    "Logins of private registries, by the registry's name as it stands before the first slash of an image (`docker.io` for Docker Hub). Set one with `pulumi config set --path 'botgarden:registries[\"ghcr.io\"].username' me` and `pulumi config set --secret --path 'botgarden:registries[\"ghcr.io\"].password'`, which asks for it. The operator's machine asks the registry which image a tag stands for, and the host pulls with the same login; on the host it is not kept. A change deploys nothing.",
  type: "object of logins",
  allowed: "an object with username and password for each registry",
  example: '{"ghcr.io": {"username": "me", "password": "…"}}',
}).check((context) => {
  for (const registry of Object.keys(context.value)) {
    const hub = DOCKER_HUB.includes(registry);
    if (REGISTRY.test(registry) && !hub) continue;
    const fix = hub
      ? "Docker Hub's name is docker.io."
      : "Write it as it stands before the first slash of the image's reference, for example ghcr.io.";
    const message = "is not the name of a registry";
    context.issues.push({ code: "custom", message, path: [registry], params: { fix }, input: registry });
  }
});
