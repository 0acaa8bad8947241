import { type Cases, text, UNKNOWN } from "../case.ts";

const uuid = text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

/** Sixteen random bytes, without a version in them. */
export const randomUuid: Cases = {
  type: "random:index/randomUuid:RandomUuid",
  inputs: {},
  previewed: { id: UNKNOWN, result: UNKNOWN },
  created: { id: uuid, result: uuid },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    {
      title: "keepers",
      after: { keepers: { a: "1" } },
      verdict: { replaces: ["keepers"], diffs: ["keepers"] },
    },
  ],
};
