import { type Cases, text, UNKNOWN } from "../case.ts";
import { names } from "./fixtures.ts";

const META = '{"schema_version":"1"}';

/** Its id is its name. Recordings 01 to 11, `data`. */
export const volume: Cases = {
  type: "docker:index/volume:Volume",
  inputs: { labels: [{ label: "app", value: "garden" }] },
  id: /^it-[0-9a-f]{7}$/,
  checked: {
    __defaults: ["name"],
    labels: [{ __defaults: [], label: "app", value: "garden" }],
    name: text(/^it-[0-9a-f]{7}$/),
  },
  previewed: {
    cluster: null,
    driver: UNKNOWN,
    driverOpts: null,
    id: UNKNOWN,
    labels: [{ label: "app", value: "garden" }],
    mountpoint: UNKNOWN,
    name: text(/^it-/),
  },
  created: state(null),
  read: state({}),
  creations: [
    {
      title: "with a name and options",
      inputs: { name: names.otherVolume, driver: "local", driverOpts: { type: "tmpfs", device: "tmpfs" } },
      created: {
        ...state({ type: "tmpfs", device: "tmpfs" }),
        id: names.otherVolume,
        name: names.otherVolume,
        mountpoint: text(new RegExp(`/${names.otherVolume}/_data$`)),
      },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "a driver that it has already", after: { driver: "local" }, verdict: "none" },
    {
      title: "name",
      after: { name: "x" },
      verdict: {
        replaces: ["name"],
        diffs: ["name"],
        deleteBeforeReplace: true,
        detailed: { name: "UPDATE_REPLACE" },
      },
    },
    {
      title: "no labels",
      after: { labels: null },
      verdict: { replaces: ["labels"], diffs: ["labels"], detailed: { labels: "DELETE_REPLACE" } },
    },
    {
      title: "options that weren't there",
      after: { driverOpts: { type: "tmpfs", device: "tmpfs" } },
      verdict: { replaces: ["driverOpts"], diffs: ["driverOpts"], detailed: { driverOpts: "ADD_REPLACE" } },
    },
  ],
  refusals: [
    {
      title: "swarm's cluster volumes",
      inputs: { cluster: { scope: "single" } },
      says: /"cluster" is not supported by the sandbox's stand-in plugin: swarm/,
      standInOnly: true,
    },
  ],
};

function state(driverOpts: object | null) {
  return {
    __meta: META,
    cluster: null,
    driver: "local",
    driverOpts,
    id: text(/^it-[0-9a-f]{7}$/),
    labels: [{ label: "app", value: "garden" }],
    mountpoint: text(/\/it-[0-9a-f]{7}\/_data$/),
    name: text(/^it-[0-9a-f]{7}$/),
  };
}
