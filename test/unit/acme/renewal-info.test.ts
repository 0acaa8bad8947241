import { expect, test } from "vitest";
import { adviceFor, adviceToRenewNow, serialIn } from "../../../sandbox/acme/renewal-info.ts";

const start = Date.UTC(2026, 0, 1);
const hour = 3600_000;

/** The middle and the width of the window in seconds, from the certificate's first on, and the time to the next look. */
function advice(life: number): { middle: number; width: number; retryAfter: number } {
  const seen = { serial: "1", names: [], notBefore: start, notAfter: start + life - 1000 };
  const { suggestedWindow, retryAfter } = adviceFor(seen);
  const [from, to] = [Date.parse(suggestedWindow.start) - start, Date.parse(suggestedWindow.end) - start];
  return { middle: (from + to) / 2000, width: (to - from) / 1000, retryAfter };
}

test("90 days are renewed around the 60th, looked at every 6 hours", () => {
  expect(advice(90 * 24 * hour)).toEqual({ middle: 60 * 86_400, width: 1.8 * 86_400, retryAfter: 21_600 });
});

test("short lives are renewed at their half", () => {
  expect(advice(160 * hour)).toEqual({ middle: 80 * 3600, width: 3.2 * 3600, retryAfter: 11_520 });
  expect(advice(180_000)).toEqual({ middle: 90, width: 3.6, retryAfter: 4 });
});

test("what is due now has a window that is over", () => {
  expect(Date.parse(adviceToRenewNow(start).suggestedWindow.end)).toBeLessThan(start);
});

test("a question names the serial number, zeros in front or not", () => {
  const path = (bytes: number[]): string =>
    `/draft-ietf-acme-ari-03/renewalInfo/Fb0pHCcdnVtnhG43cz0scS0G9uU.${Buffer.from(bytes).toString("base64url")}`;
  expect(serialIn(path([0x05, 0x25]))).toBe(0x525n);
  expect(serialIn(path([0x00, 0x8a, 0x01]))).toBe(0x8a01n);
  expect(serialIn("/draft-ietf-acme-ari-03/renewalInfo/nonsense")).toBeUndefined();
});
