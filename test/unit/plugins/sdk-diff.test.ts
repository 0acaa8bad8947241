import { describe, expect, test } from "vitest";
import { diff } from "../../../sandbox/plugins/framework/diff.ts";
import { planState } from "../../../sandbox/plugins/framework/plan.ts";
import { refreshInputs } from "../../../sandbox/plugins/framework/refresh.ts";
import { type PropertyMap, unknown } from "../../../sandbox/plugins/framework/values.ts";
import { thing } from "./table.ts";

const inputs: PropertyMap = {
  __defaults: ["name", "restart"],
  name: "bot-0000000",
  image: "x",
  restart: "no",
};
const state: PropertyMap = {
  id: "1",
  name: "bot-0000000",
  image: "x",
  restart: "no",
  memory: 0,
  wait: false,
  command: ["run"],
  envs: ["A=1", "B=1"],
  labels: [],
  uploads: [],
  ports: [],
  healthcheck: null,
  logOpts: null,
  address: "10.0.0.1",
};

const verdict = (after: PropertyMap, before: PropertyMap = {}, ignoreChanges: readonly string[] = []) =>
  diff(thing, "sdk", {
    state: { ...state, ...before },
    oldInputs: inputs,
    inputs: { ...inputs, ...after },
    ignoreChanges,
  });

/** Every expectation below was seen in the recordings or measured on the official docker plugin 5.2.0. */
describe("Diff of flavour sdk", () => {
  test("finds nothing where nothing changed, whatever the host has filled in", () => {
    expect(verdict({})).toMatchObject({
      changed: false,
      diffs: [],
      replaces: [],
      detailed: {},
      deleteBeforeReplace: false,
    });
  });

  test.each<{ title: string; before?: PropertyMap; after: PropertyMap; detailed: Record<string, string> }>([
    { title: "an update", after: { memory: 5 }, detailed: { memory: "UPDATE" } },
    {
      title: "a value that was never there",
      before: { memory: null },
      after: { memory: 5 },
      detailed: { memory: "ADD" },
    },
    { title: "a value that is taken away", before: { memory: 5 }, after: {}, detailed: { memory: "DELETE" } },
    {
      title: "a flag that goes back to false",
      before: { wait: true },
      after: {},
      detailed: { wait: "UPDATE" },
    },
    { title: "another spelling", before: { mode: "A" }, after: { mode: "a" }, detailed: {} },
    { title: "an ignored field", before: { note: "a" }, after: { note: "b" }, detailed: {} },
    {
      title: "an element of a set of texts",
      after: { envs: ["A=1", "B=2"] },
      detailed: { "envs[1]": "UPDATE_REPLACE" },
    },
    { title: "a set in another order", after: { envs: ["B=1", "A=1"] }, detailed: {} },
    {
      title: "a set with an unknown element",
      after: { envs: ["A=1", unknown] },
      detailed: { envs: "UPDATE_REPLACE" },
    },
    { title: "a computed set that is dropped", after: {}, detailed: {} },
    {
      title: "an element in the middle of a list",
      before: { command: ["a", "c"] },
      after: { command: ["a", "b", "c"] },
      detailed: { "command[1]": "ADD_REPLACE" },
    },
    {
      title: "a list with an unknown element",
      after: { command: ["a", unknown] },
      detailed: { command: "UPDATE_REPLACE" },
    },
    {
      title: "a set of objects for the first time",
      after: { labels: [{ label: "a", value: "b" }] },
      detailed: { labels: "ADD_REPLACE" },
    },
    {
      title: "a set of objects that is dropped",
      before: { labels: [{ label: "a", value: "b" }] },
      after: {},
      detailed: { labels: "DELETE_REPLACE" },
    },
    {
      title: "an object in a set: its key, when all of it was given",
      before: { labels: [{ label: "a", value: "b" }] },
      after: { labels: [{ __defaults: [], label: "a", value: "c" }] },
      detailed: { "labels[0].value": "UPDATE_REPLACE" },
    },
    {
      title: "an object in a set: the whole set, when the host fills in the rest",
      before: { uploads: [{ file: "/a", content: "x", source: "" }] },
      after: { uploads: [{ __defaults: [], file: "/a", content: "y" }] },
      detailed: { uploads: "UPDATE_REPLACE" },
    },
    {
      title: "a part of an object in a list",
      before: { ports: [{ internal: 80, external: 8080, protocol: "tcp" }] },
      after: { ports: [{ __defaults: [], internal: 80, protocol: "udp" }] },
      detailed: { "ports[0].protocol": "UPDATE_REPLACE" },
    },
    {
      title: "a part of an object",
      before: { healthcheck: { tests: ["CMD", "true"], interval: "1s", retries: 0 } },
      after: { healthcheck: { __defaults: [], tests: ["CMD", "false"], interval: "1s" } },
      detailed: { "healthcheck.tests[1]": "UPDATE" },
    },
    {
      title: "keys of a map",
      before: { logOpts: { "max-size": "1m", gone: "x" } },
      after: { logOpts: { "max-size": "2m", "new.key": "y" } },
      detailed: {
        'logOpts["max-size"]': "UPDATE_REPLACE",
        "logOpts.gone": "DELETE_REPLACE",
        'logOpts["new.key"]': "ADD_REPLACE",
      },
    },
    {
      title: "a map that is dropped",
      before: { logOpts: { a: "1" } },
      after: {},
      detailed: { "logOpts.a": "DELETE_REPLACE" },
    },
    { title: "an unknown value", after: { image: unknown }, detailed: { image: "UPDATE_REPLACE" } },
  ])("$title", ({ before, after, detailed }) => {
    const answer = verdict(after, before);
    const tops = [...new Set(Object.keys(detailed).map((key) => key.replace(/[.[].*/, "")))].sort();
    expect(answer.detailed).toEqual(detailed);
    expect(answer.diffs).toEqual(tops);
    expect(answer.changed).toBe(tops.length > 0);
  });

  test("deletes first when a name is the user's own", () => {
    expect(verdict({ image: "y" }).deleteBeforeReplace).toBe(false);
    expect(verdict({ image: "y", __defaults: ["restart"] }).deleteBeforeReplace).toBe(true);
    expect(verdict({ memory: 1, __defaults: ["restart"] }).deleteBeforeReplace).toBe(false);
  });

  test("says what can't change without a replacement", () => {
    const stables = ["command", "envs", "image", "labels", "logOpts", "name", "networks", "ports", "uploads"];
    expect(verdict({ memory: 1 }).stables).toEqual(stables);
    expect(verdict({ image: "y" }).stables).toEqual(stables.filter((name) => name !== "image"));
  });

  test("leaves out what the user wants ignored", () => {
    const answer = verdict({ memory: 1, envs: ["A=1"] }, {}, ["memory", "envs"]);
    expect(answer).toMatchObject({ changed: false, detailed: {} });
  });
});

describe("the planned state of flavour sdk", () => {
  test("of a new resource: what is given, defaults, and unknown what the host will fill in", () => {
    const given = { image: "x", restart: "no", uploads: [{ file: "/b" }, { file: "/a", content: "1" }] };
    expect(planState(thing, "sdk", {}, given)).toMatchObject({
      image: "x",
      name: unknown,
      command: unknown,
      address: unknown,
      memory: null,
      wait: false,
      labels: [],
      uploads: [
        { file: "/b", content: "", source: "" },
        { file: "/a", content: "1", source: "" },
      ],
    });
  });

  test("of an old one keeps what the host has filled in", () => {
    expect(planState(thing, "sdk", state, { ...inputs, memory: 7 })).toMatchObject({
      address: "10.0.0.1",
      command: ["run"],
      memory: 7,
    });
  });
});

describe("inputs after a refresh", () => {
  const old: PropertyMap = {
    __defaults: ["name", "restart"],
    name: "n",
    restart: "no",
    envs: ["B=1", "A=1"],
    uploads: [
      { __defaults: [], file: "/b" },
      { __defaults: [], file: "/a", content: "1" },
    ],
  };

  test("take the host's values, and a changed default is none any more", () => {
    const now = {
      name: "n",
      restart: "always",
      envs: ["A=1", "B=1"],
      uploads: [
        { file: "/a", content: "1", source: "" },
        { file: "/b", content: "", source: "" },
      ],
      extra: 1,
    };
    expect(refreshInputs(thing.fields, old, now)).toEqual({
      ...old,
      __defaults: ["name"],
      restart: "always",
      envs: ["A=1", "B=1"],
    });
  });

  test("lose what the host has no more", () => {
    const now = { name: "n", restart: "no", envs: [], uploads: [{ file: "/b", content: "", source: "" }] };
    expect(refreshInputs(thing.fields, old, now)).toMatchObject({
      envs: [],
      uploads: [{ __defaults: [], file: "/b" }],
    });
  });

  test("find an element whose own set has another order, and take what has changed in the order that is left", () => {
    const given: PropertyMap = {
      __defaults: [],
      networks: [
        { __defaults: [], name: "a", aliases: ["x", "a"] },
        { __defaults: [], name: "old" },
      ],
    };
    const now = {
      networks: [
        { name: "new", aliases: [] },
        { name: "a", aliases: ["a", "x"] },
      ],
    };
    expect(refreshInputs(thing.fields, given, now)).toEqual({
      __defaults: [],
      networks: [
        { __defaults: [], name: "a", aliases: ["a", "x"] },
        { __defaults: [], name: "new" },
      ],
    });
  });
});
