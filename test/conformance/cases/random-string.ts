import { type Cases, text, UNKNOWN } from "../case.ts";

const rules = {
  length: 12,
  lower: true,
  minLower: 0,
  minNumeric: 2,
  minSpecial: 0,
  minUpper: 0,
  number: true,
  numeric: true,
  special: true,
  upper: false,
};
const drawn = text(/^[a-z0-9!@#$%&*()\-_=+[\]{}<>:?]{12}$/);

/** As a password, but nothing is secret and the text is the id. */
export const randomString: Cases = {
  type: "random:index/randomString:RandomString",
  inputs: { length: 12, upper: false, minNumeric: 2 },
  previewed: { ...rules, id: UNKNOWN, result: UNKNOWN },
  created: { ...rules, __meta: '{"schema_version":"2"}', id: drawn, result: drawn },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "length", after: { length: 13 }, verdict: { replaces: ["length"], diffs: ["length"] } },
    {
      title: "upper back to its default",
      after: { upper: null },
      verdict: { replaces: ["upper"], diffs: ["upper"] },
    },
    {
      title: "keepers",
      after: { keepers: { a: "1" } },
      verdict: { replaces: ["keepers"], diffs: ["keepers"] },
    },
    {
      title: "two inputs",
      after: { special: false, minNumeric: 3 },
      verdict: { replaces: ["minNumeric", "special"], diffs: ["minNumeric", "special"] },
    },
  ],
};
