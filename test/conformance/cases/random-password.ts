import { unknown } from "../../../sandbox/plugins/framework/values.ts";
import { type Cases, secret, text, UNKNOWN } from "../case.ts";

const rules = {
  length: 32,
  lower: true,
  minLower: 0,
  minNumeric: 0,
  minSpecial: 0,
  minUpper: 0,
  number: true,
  numeric: true,
  special: true,
  upper: true,
};
const made = {
  ...rules,
  __meta: '{"schema_version":"3"}',
  id: "none",
  result: secret(text(/^.{32}$/)),
  bcryptHash: secret(text(/^\$2a\$10\$[./A-Za-z0-9]{53}$/)),
};
const replaced = (name: string) => ({ replaces: [name], diffs: [name] });

/** Every input replaces; `number` and `numeric` are one. */
export const randomPassword: Cases = {
  type: "random:index/randomPassword:RandomPassword",
  inputs: { length: 32, keepers: { rotation: "1" } },
  id: /^none$/,
  previewed: { ...rules, keepers: { rotation: "1" }, id: UNKNOWN, result: UNKNOWN, bcryptHash: UNKNOWN },
  created: { ...made, keepers: { rotation: "1" } },
  creations: [
    {
      title: "letters only",
      inputs: { special: false, numeric: false, keepers: null },
      created: {
        ...made,
        special: false,
        numeric: false,
        number: false,
        result: secret(text(/^[A-Za-z]{32}$/)),
      },
    },
    {
      title: "the old name of numeric",
      inputs: { number: false, special: false, keepers: null },
      created: {
        ...made,
        special: false,
        numeric: false,
        number: false,
        result: secret(text(/^[A-Za-z]{32}$/)),
      },
    },
    {
      title: "least numbers of each kind",
      inputs: {
        length: 8,
        minUpper: 2,
        minLower: 2,
        minNumeric: 2,
        minSpecial: 2,
        overrideSpecial: "_",
        keepers: null,
      },
      created: {
        ...made,
        length: 8,
        minUpper: 2,
        minLower: 2,
        minNumeric: 2,
        minSpecial: 2,
        overrideSpecial: "_",
        result: secret(
          text(/^(?=(?:[^A-Z]*[A-Z]){2})(?=(?:[^a-z]*[a-z]){2})(?=(?:\D*\d){2})(?=(?:[^_]*_){2}).{8}$/),
        ),
      },
    },
  ],
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "length", after: { length: 33 }, verdict: replaced("length") },
    { title: "a keeper", after: { keepers: { rotation: "2" } }, verdict: replaced("keepers") },
    {
      title: "one more keeper",
      after: { keepers: { rotation: "1", more: "1" } },
      verdict: replaced("keepers"),
    },
    { title: "no keepers", after: { keepers: null }, verdict: replaced("keepers") },
    {
      title: "keepers for the first time",
      before: { keepers: null },
      after: { keepers: { a: "1" } },
      verdict: replaced("keepers"),
    },
    {
      title: "empty keepers become none: no replacement",
      before: { keepers: {} },
      after: { keepers: null },
      verdict: { diffs: ["keepers"] },
    },
    { title: "an unknown keeper", after: { keepers: { rotation: unknown } }, verdict: replaced("keepers") },
    { title: "special", after: { special: false }, verdict: replaced("special") },
    { title: "special as it is by default", after: { special: true }, verdict: "none" },
    { title: "upper", after: { upper: false }, verdict: replaced("upper") },
    { title: "lower", after: { lower: false }, verdict: replaced("lower") },
    {
      title: "numeric",
      after: { numeric: false },
      verdict: { replaces: ["number", "numeric"], diffs: ["number", "numeric"] },
    },
    {
      title: "number",
      after: { number: false },
      verdict: { replaces: ["number", "numeric"], diffs: ["number", "numeric"] },
    },
    { title: "minUpper", after: { minUpper: 1 }, verdict: replaced("minUpper") },
    { title: "minLower", after: { minLower: 1 }, verdict: replaced("minLower") },
    { title: "minNumeric", after: { minNumeric: 1 }, verdict: replaced("minNumeric") },
    { title: "minSpecial", after: { minSpecial: 1 }, verdict: replaced("minSpecial") },
    { title: "overrideSpecial", after: { overrideSpecial: "_" }, verdict: replaced("overrideSpecial") },
  ],
  refusals: [
    { title: "no length", inputs: { length: null }, says: /Missing required property 'length'/ },
    { title: "length 0", inputs: { length: 0 }, says: /length value must be at least 1/ },
    {
      title: "less than the least",
      inputs: { length: 3, minUpper: 4 },
      says: /must be at least sum of min_upper/,
    },
    {
      title: "nothing allowed",
      inputs: { special: false, upper: false, lower: false, numeric: false },
      says: /At least one attribute out of \[special,upper,lower,numeric\]/,
    },
    { title: "a text for a flag", inputs: { special: "yes" }, says: /special/ },
    { title: "an unknown input", inputs: { lenght: 3 }, says: /no input "lenght"/, standInOnly: true },
  ],
};
