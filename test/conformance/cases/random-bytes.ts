import { type Cases, secret, text, UNKNOWN } from "../case.ts";

/** The outputs are secret, the id, which is the same base64, is not; there is no output "id". */
export const randomBytes: Cases = {
  type: "random:index/randomBytes:RandomBytes",
  inputs: { length: 16 },
  id: /^[A-Za-z0-9+/]{22}==$/,
  previewed: { length: 16, base64: UNKNOWN, hex: UNKNOWN },
  created: { length: 16, base64: secret(text(/^[A-Za-z0-9+/]{22}==$/)), hex: secret(text(/^[0-9a-f]{32}$/)) },
  changes: [
    { title: "nothing", after: {}, verdict: "none" },
    { title: "length", after: { length: 17 }, verdict: { replaces: ["length"], diffs: ["length"] } },
    {
      title: "keepers",
      after: { keepers: { a: "1" } },
      verdict: { replaces: ["keepers"], diffs: ["keepers"] },
    },
  ],
  refusals: [{ title: "length 0", inputs: { length: 0 }, says: /length value must be at least 1/ }],
};
