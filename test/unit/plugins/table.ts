/** A made-up resource of flavour "sdk" with one field of every kind, after the manner of docker's Container. */
import type { Fields, Resource } from "../../../sandbox/plugins/framework/resource.ts";

const fields: Fields = {
  name: { kind: "string", computed: true, replace: true, autoname: true },
  image: { kind: "string", required: true, replace: true },
  restart: { kind: "string", default: "no", oneOf: ["no", "always"] },
  memory: { kind: "int" },
  wait: { kind: "bool", unset: false },
  mode: {
    kind: "string",
    same: (a, b) => String(a as string).toLowerCase() === String(b as string).toLowerCase(),
  },
  note: { kind: "string", ignored: true },
  command: { kind: "list", computed: true, replace: true },
  envs: { kind: "set", computed: true, replace: true },
  labels: {
    kind: "set",
    replace: true,
    of: {
      kind: "object",
      fields: {
        label: { kind: "string", required: true, replace: true },
        value: { kind: "string", required: true, replace: true },
      },
    },
  },
  uploads: {
    kind: "set",
    replace: true,
    of: {
      kind: "object",
      fields: {
        file: { kind: "string", required: true, replace: true },
        content: { kind: "string", unset: "", replace: true },
        source: { kind: "string", unset: "", replace: true },
      },
    },
  },
  ports: {
    kind: "list",
    replace: true,
    of: {
      kind: "object",
      fields: {
        internal: { kind: "int", required: true, replace: true },
        external: { kind: "int", computed: true, replace: true },
        protocol: { kind: "string", default: "tcp", replace: true },
      },
    },
  },
  healthcheck: {
    kind: "object",
    fields: {
      tests: { kind: "list", required: true },
      interval: { kind: "string", default: "0s" },
      retries: { kind: "int", unset: 0 },
    },
  },
  networks: {
    kind: "set",
    replace: true,
    of: { kind: "object", fields: { name: { kind: "string", required: true }, aliases: { kind: "set" } } },
  },
  logOpts: { kind: "map", replace: true },
  driver: { kind: "string", conflictsWith: ["image2"] },
  image2: { kind: "string" },
  gpus: { kind: "string", unsupported: "it needs a graphics card" },
  address: { kind: "string", output: true },
};

/** The resource; its handlers are never called. */
export const thing: Resource<null> = {
  type: "sdk:index/thing:Thing",
  fields,
  create: () => Promise.reject(new Error("not called")),
  update: () => Promise.reject(new Error("not called")),
};
