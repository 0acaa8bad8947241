import { expect, test } from "vitest";
import { cpuCount, memoryLimit, onlyCapabilities } from "../../../components/container.ts";

test("processors are written as the Docker plugin reads them back", () => {
  expect([1, 2, 0.5, 1.5, 0.25, 16].map(cpuCount)).toEqual(["1.0", "2.0", "0.5", "1.5", "0.25", "16.0"]);
});

test("a memory limit leaves no swap", () => {
  expect(memoryLimit(200)).toEqual({ memory: 200, memorySwap: 200 });
});

test("capabilities are dropped but for those that are named", () => {
  expect(onlyCapabilities()).toEqual({ drops: ["ALL"], adds: [] });
  expect(onlyCapabilities("CHOWN", "SETUID")).toEqual({ drops: ["ALL"], adds: ["CAP_CHOWN", "CAP_SETUID"] });
});
