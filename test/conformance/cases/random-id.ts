import { unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, text, UNKNOWN } from "../case.ts";

/** Nothing of it is secret; the id has no prefix. */
export const randomId: Cases = {
  type: "random:index/randomId:RandomId",
  inputs: { byteLength: 8 },
  id: /^[\w-]{11}$/,
  previewed: { byteLength: 8, b64Std: UNKNOWN, b64Url: UNKNOWN, dec: UNKNOWN, hex: UNKNOWN, id: UNKNOWN },
  created: {
    byteLength: 8,
    b64Std: text(/^[A-Za-z0-9+/]{11}=$/),
    b64Url: text(/^[\w-]{11}$/),
    dec: text(/^\d{1,20}$/),
    hex: text(/^[0-9a-f]{16}$/),
    id: text(/^[\w-]{11}$/),
  },
  creations: [
    {
      title: "with a prefix",
      inputs: { byteLength: 4, prefix: "bot-" },
      created: {
        byteLength: 4,
        prefix: "bot-",
        b64Std: text(/^bot-[A-Za-z0-9+/]{6}==$/),
        b64Url: text(/^bot-[\w-]{6}$/),
        dec: text(/^bot-\d{1,10}$/),
        hex: text(/^bot-[0-9a-f]{8}$/),
        id: text(/^[\w-]{6}$/),
      },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "byteLength",
      after: { byteLength: 9 },
      verdict: { replaces: ["byteLength"], diffs: ["byteLength"] },
    },
    { title: "prefix", after: { prefix: "x" }, verdict: { replaces: ["prefix"], diffs: ["prefix"] } },
    {
      title: "an empty prefix is a change too",
      after: { prefix: "" },
      verdict: { replaces: ["prefix"], diffs: ["prefix"] },
    },
    {
      title: "an unknown prefix",
      after: { prefix: unknown },
      verdict: { replaces: ["prefix"], diffs: ["prefix"] },
    },
    {
      title: "keepers",
      after: { keepers: { a: "1" } },
      verdict: { replaces: ["keepers"], diffs: ["keepers"] },
    },
  ],
  refusals: [
    { title: "no byteLength", inputs: { byteLength: null }, says: /Missing required property 'byteLength'/ },
  ],
};
