import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test } from "vitest";
import { namespaceOf, readConfiguration } from "../../../components/configuration.ts";

const variable = "PULUMI_CONFIG_SECRET_KEYS";

afterEach(() => {
  delete process.env[variable];
  pulumi.runtime.setAllConfig({});
});

test("the engine's configuration is read with the knowledge of what is secret", () => {
  pulumi.runtime.setAllConfig({ "botgarden:host": "root@203.0.113.10", "hello:token": "t" });
  process.env[variable] = '["hello:token"]';
  expect(readConfiguration()).toEqual({
    values: { "botgarden:host": "root@203.0.113.10", "hello:token": "t" },
    secretKeys: new Set(["hello:token"]),
  });
});

test("without the engine's list nothing is secret", () => {
  expect(readConfiguration().secretKeys).toEqual(new Set());
});

test("a namespace is told from another one that begins alike", () => {
  const configuration = {
    values: { "shop:token": "1", "shop-bot:token": "2", "shop:a:b": "3" },
    secretKeys: new Set(["shop:token", "shop-bot:key"]),
  };
  expect(namespaceOf(configuration, "shop")).toEqual({
    values: { token: "1", "a:b": "3" },
    secretKeys: new Set(["token"]),
  });
  expect(namespaceOf(configuration, "shop-bot")).toEqual({
    values: { token: "2" },
    secretKeys: new Set(["key"]),
  });
  expect(namespaceOf(configuration, "none")).toEqual({ values: {}, secretKeys: new Set() });
});
