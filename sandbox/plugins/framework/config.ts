/** A provider's configuration: checked by a table like a resource's inputs, sent as texts. */
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { checkInputs } from "./check.ts";
import type { Field, Provider } from "./resource.ts";
import { decode, encode, mapWithoutSecrets, type PropertyMap, Secret, type Value } from "./values.ts";

/** Keys that the engine adds by itself. */
const ENGINE_KEYS = ["version", "pluginDownloadURL"];

/** Answers CheckConfig: the configuration as it came, and a fault for everything that the table doesn't know. */
export function checkConfig<P>(provider: Provider<P>, request: pb.CheckRequest): pb.CheckResponse {
  const given = decode(request.getNews());
  const parsed: PropertyMap = {};
  for (const [name, value] of Object.entries(given)) {
    if (isOurs(provider, name)) parsed[name] = parse(provider.config?.[name], value);
  }
  const what = `the provider ${provider.name}`;
  const { failures } = checkInputs(provider.config ?? {}, "framework", what, {}, parsed, {
    name: "",
    seed: new Uint8Array(),
  });
  const response = new pb.CheckResponse().setInputs(encode({ ...given, ...provider.configAdds }));
  for (const { property, reason } of failures) {
    response.addFailures(new pb.CheckFailure().setProperty(property).setReason(reason));
  }
  return response;
}

/** The configuration with its values parsed and its secrets open. Throws on text that isn't the JSON it must be. */
export function readConfig<P>(provider: Provider<P>, request: pb.ConfigureRequest): PropertyMap {
  const config: PropertyMap = {};
  for (const [name, value] of Object.entries(mapWithoutSecrets(decode(request.getArgs())))) {
    if (isOurs(provider, name)) config[name] = parse(provider.config?.[name], value);
  }
  return config;
}

function isOurs<P>(provider: Provider<P>, name: string): boolean {
  return !ENGINE_KEYS.includes(name) && !name.startsWith("__") && provider.configAdds?.[name] === undefined;
}

/** Values that aren't texts travel as JSON (pulumi-terraform-bridge, `config_encoding.go`). */
function parse(field: Field | undefined, value: Value): Value {
  if (value instanceof Secret) return new Secret(parse(field, value.value));
  if (field === undefined || field.kind === "string" || typeof value !== "string" || value === "")
    return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    return value;
  }
}
