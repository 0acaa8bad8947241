/** What a preview says of a container of the core that will be made anew. */
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test, vi } from "vitest";
import { tellReplacement } from "../../../components/replacement.ts";
import { record, STATE } from "../support/recorder.ts";

const before = {
  image: "postgres:18.6",
  command: ["postgres", "-c", "max_connections=100"],
  envs: ["TZ=UTC", "PGDATA=/data"],
  ports: [{ internal: 5432, external: 5432, ip: "127.0.0.1", protocol: "tcp" }],
};
const wanted = {
  image: before.image,
  command: before.command,
  // The engine has no order for these.
  envs: ["PGDATA=/data", "TZ=UTC"],
  ports: [{ internal: 5432, external: 5432 }],
};

async function told(now: typeof wanted, preview = true): Promise<string[]> {
  vi.restoreAllMocks();
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
  const urn = "urn:pulumi:unit::botgarden::docker:index/container:Container::postgres";
  await record(() => tellReplacement("postgres", now, "for some seconds nothing answers."), {
    preview,
    answers: { [STATE]: { outputs: { [urn]: { outputs: before } } } },
  });
  return warn.mock.calls.map(([message]) => message);
}

describe("a container of the core", () => {
  test("is not spoken of while it stays", async () => {
    expect(await told(wanted)).toEqual([]);
  });

  test.for([
    [{ image: "postgres:18.7" }, "postgres:18.6 → postgres:18.7"],
    [{ command: ["postgres", "-c", "max_connections=200"] }, "command"],
    [{ envs: ["PGDATA=/data", "TZ=Europe/Berlin"] }, "envs"],
    [{ ports: [{ internal: 5432, external: 15432 }] }, "ports"],
  ] as const)("is told with what its replacement means: %o", async ([change, what]) => {
    const now = { ...wanted, ...change } as typeof wanted;
    const text = `postgres will be replaced (${what}): for some seconds nothing answers.`;
    expect(await told(now)).toEqual([text]);
    // The preview was read, or was not wanted.
    expect(await told(now, false)).toEqual([]);
  });
});
