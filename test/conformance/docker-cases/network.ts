import { unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, text, UNKNOWN } from "../case.ts";
import { names } from "./fixtures.ts";

const ID = /^[0-9a-f]{64}$/;
const META = '{"schema_version":"1"}';

/** Every change replaces; a name of its own makes that delete first. Recordings 01 to 11, `garden`. */
export const network: Cases = {
  type: "docker:index/network:Network",
  inputs: { labels: [{ label: "app", value: "garden" }] },
  id: ID,
  checked: {
    __defaults: ["ipamDriver", "name"],
    ipamDriver: "default",
    labels: [{ __defaults: [], label: "app", value: "garden" }],
    name: text(/^it-[0-9a-f]{7}$/),
  },
  previewed: {
    attachable: null,
    driver: UNKNOWN,
    id: UNKNOWN,
    ingress: null,
    internal: UNKNOWN,
    ipamConfigs: UNKNOWN,
    ipamDriver: "default",
    ipamOptions: null,
    ipv6: null,
    labels: [{ label: "app", value: "garden" }],
    name: text(/^it-/),
    options: UNKNOWN,
    scope: UNKNOWN,
  },
  created: state(null),
  read: state({}),
  creations: [
    {
      title: "as the garden's",
      inputs: {
        name: `garden-${names.suffix}`,
        driver: "bridge",
        attachable: true,
        labels: [
          { label: "z", value: "1" },
          { label: "app", value: "garden" },
        ],
        options: { "com.docker.network.bridge.enable_icc": "false" },
        ipamConfigs: [{ subnet: `${names.subnet}.0/24`, ipRange: `${names.subnet}.128/25` }],
      },
      created: {
        ...state(null),
        name: `garden-${names.suffix}`,
        attachable: true,
        labels: [
          { label: "app", value: "garden" },
          { label: "z", value: "1" },
        ],
        options: { "com.docker.network.bridge.enable_icc": "false" },
        ipamConfigs: [
          {
            subnet: `${names.subnet}.0/24`,
            ipRange: `${names.subnet}.128/25`,
            gateway: "",
            auxAddress: null,
          },
        ],
      },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "a driver that it has already", after: { driver: "bridge" }, verdict: "none" },
    { title: "name", after: { name: "x" }, verdict: replacing("name", "name", "UPDATE_REPLACE", true) },
    {
      title: "internal",
      after: { internal: true },
      verdict: replacing("internal", "internal", "UPDATE_REPLACE"),
    },
    {
      title: "a label's value",
      after: { labels: [{ label: "app", value: "other" }] },
      verdict: replacing("labels", "labels[0].value", "UPDATE_REPLACE"),
    },
    { title: "no labels", after: { labels: null }, verdict: replacing("labels", "labels", "DELETE_REPLACE") },
    {
      title: "an unknown label",
      after: { labels: [{ label: "app", value: unknown }] },
      verdict: replacing("labels", "labels[0].value", "UPDATE_REPLACE"),
    },
    {
      title: "an option",
      after: { options: { a: "b" } },
      verdict: replacing("options", "options.a", "ADD_REPLACE"),
    },
  ],
  refusals: [
    { title: "a property that there isn't", inputs: { zork: 1 }, says: /zork/ },
    { title: "an output", inputs: { scope: "local" }, says: /scope/ },
  ],
  failures: [
    {
      title: "a bad subnet",
      inputs: { name: "x", ipamDriver: "default", ipamConfigs: [{ subnet: "bogus" }] },
      says: /^1 error occurred:\n\t\* Unable to create network: Error response from daemon: /,
    },
  ],
};

function state(ipamOptions: object | null) {
  return {
    __meta: META,
    attachable: false,
    driver: "bridge",
    id: text(ID),
    ingress: false,
    internal: false,
    ipamConfigs: [{ auxAddress: {}, gateway: text(/^\d+(\.\d+){3}$/), ipRange: "", subnet: text(/\/\d+$/) }],
    ipamDriver: "default",
    ipamOptions,
    ipv6: false,
    labels: [{ label: "app", value: "garden" }],
    name: text(/^it-[0-9a-f]{7}$/),
    options: {},
    scope: "local",
  };
}

function replacing(name: string, key: string, kind: string, deleteBeforeReplace = false) {
  return { replaces: [name], diffs: [name], deleteBeforeReplace, detailed: { [key]: kind } };
}
