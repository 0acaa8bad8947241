import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { HostError, type HostFacts } from "../../../components/host/check-host.ts";
import { type Connection, connectionTo } from "../../../components/host/connection.ts";
import { removeLeftovers } from "../../../components/host/leftovers.ts";
import { record } from "../support/recorder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const CONTAINER = "docker:index/container:Container";
const NETWORK = "docker:index/network:Network";
/** The recorder's stack. */
const stack = "unit";

interface InState {
  readonly type: string;
  readonly name?: unknown;
}

/** What a host holds, by name. */
interface OnHost {
  readonly containers?: readonly string[];
  readonly networks?: readonly string[];
  readonly serving?: readonly string[];
  readonly stopped?: readonly string[];
  /** The stack that made them. */
  readonly madeBy?: string;
}

interface Swept {
  /** What `docker` was called with, in order. */
  readonly calls: readonly string[];
  readonly log: readonly string[];
  readonly refused: string | undefined;
}

/** A bot of its own, as its lock is on this machine. */
const bot = `unit-${process.pid}`;
const lock = `/run/lock/botgarden-release-${bot}.lock`;

/** Tells the labels of the bot's containers, and of what runs before its release the address. */
const inspect = `case "$3 $4" in
*IPAddress*) echo 172.30.0.9 ;;
*botgarden.oneoff*' botgarden-before-deploy-'* | *botgarden.bot*' ${bot}-'*) echo ${bot} ;;
esac`;

/** Sweeps a host whose `docker` only writes down what it was asked for. */
async function sweep(host: OnHost, state: readonly InState[] | "none" = []): Promise<Swept> {
  const folder = temporaryFolder();
  const calls = join(folder, "calls");
  writeFileSync(
    join(folder, "docker"),
    `#!/bin/sh\nif [ "$1" = inspect ]; then ${inspect}; else echo "$*" >>'${calls}'; fi\n`,
  );
  chmodSync(join(folder, "docker"), 0o755);
  const shell = ["/bin/sh", "-c", `PATH='${folder}':"$PATH"; eval "$1"`, "sh"];
  const connection: Connection = {
    ...connectionTo({ host: { kind: "ssh", user: "root", address: "203.0.113.10", port: 22 } }),
    freshInterpreter: shell,
  };
  const log: string[] = [];
  const { result } = await record(
    () =>
      removeLeftovers(connection, factsOf(host), (line) => log.push(line)).then(() => undefined, messageOf),
    { answers: { "pulumi:pulumi:readStackResourceOutputs": answerOf(state) } },
  );
  const text = existsSync(calls) ? readFileSync(calls, "utf8") : "";
  return { calls: text.split("\n").filter((line) => line !== ""), log, refused: result };
}

function factsOf({
  containers = [],
  networks = [],
  serving = [],
  stopped = [],
  madeBy = stack,
}: OnHost): HostFacts {
  const made = (name: string) => ({ name, stack: madeBy });
  return {
    platform: "linux/amd64",
    root: "yes",
    docker: "ok",
    containers: containers.map(made),
    networks: networks.map(made),
    serving,
    stopped,
    missing: [],
  };
}

/** The engine's answer about a stack that has prepared its host; `none` is a stack that never ran. */
function answerOf(state: readonly InState[] | "none"): Record<string, unknown> {
  if (state === "none") return {};
  const entries = state.map(({ type, name }, index) => [
    `urn:pulumi:unit::botgarden::${type}::r${index}`,
    { type, outputs: { name } },
  ]);
  const scripts = { type: "command:local:Command", outputs: {} };
  return {
    outputs: {
      ...Object.fromEntries(entries),
      "urn:pulumi:unit::botgarden::command:local:Command::host-scripts": scripts,
    },
  };
}

function messageOf(error: unknown): string {
  expect(error).toBeInstanceOf(HostError);
  return (error as HostError).message;
}

const quiet = { calls: [], log: [], refused: undefined };

test("a host without a garden is left alone, whatever the state is", async () => {
  expect(await sweep({})).toEqual(quiet);
  expect(await sweep({}, "none")).toEqual(quiet);
});

test("what the state knows stays", async () => {
  const state = [
    { type: CONTAINER, name: "botgarden-edge" },
    { type: NETWORK, name: "botgarden" },
  ];
  expect(await sweep({ containers: ["botgarden-edge"], networks: ["botgarden"] }, state)).toEqual(quiet);
});

test("what the state does not know is stopped and removed, containers before networks", async () => {
  const host = {
    containers: ["hello-0a1b2c3", "hello-4d5e6f7", "botgarden-postgres"],
    networks: ["botgarden"],
  };
  const { calls, log, refused } = await sweep(host, [{ type: CONTAINER, name: "hello-0a1b2c3" }]);
  expect(refused).toBeUndefined();
  expect(calls).toEqual([
    "stop --time 30 hello-4d5e6f7",
    "rm --force --volumes hello-4d5e6f7",
    "stop --time 30 botgarden-postgres",
    "rm --force --volumes botgarden-postgres",
    "network rm botgarden",
  ]);
  expect(log).toHaveLength(2);
  expect(log[0]).toContain("hello-4d5e6f7");
});

test("what the state knows and should run is started again", async () => {
  const { calls, log } = await sweep(
    {
      containers: ["hello-0a1b2c3", "hello-4d5e6f7", "botgarden-postgres"],
      stopped: ["hello-0a1b2c3", "hello-4d5e6f7"],
    },
    [
      { type: CONTAINER, name: "hello-0a1b2c3" },
      { type: CONTAINER, name: "botgarden-postgres" },
    ],
  );
  expect(calls.filter((call) => call.startsWith("start"))).toEqual(["start hello-0a1b2c3"]);
  expect(log).toContain("starting again what does not run on the host: hello-0a1b2c3");
});

describe("a release that must not run beside another one", () => {
  const name = `${bot}-0a1b2c3`;
  const again = () => sweep({ containers: [name], stopped: [name] }, [{ type: CONTAINER, name }]);
  const started = async () => (await again()).calls.filter((call) => call.startsWith("start"));
  afterAll(() => rmSync(lock, { force: true }));

  test("is not started again while the gate of a lost run is under way", async () => {
    const gate = spawn("flock", [lock, "sh", "-c", "echo held; read -r _"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(gate.stdout, "data");
    expect(await started()).toEqual([]);
    gate.stdin.end();
    await once(gate, "exit");
    expect(await started()).toEqual([`start ${name}`]);
  });
});

test("the command before a release is left alone while the run that was lost goes on", async () => {
  const step = `/run/lock/botgarden-before-deploy-${bot}.lock`;
  const name = `botgarden-before-deploy-${bot}`;
  const run = spawn("flock", [step, "sh", "-c", "echo held; read -r _"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    await once(run.stdout, "data");
    const { calls, log } = await sweep({ containers: [name] });
    expect(calls).toEqual([]);
    expect(log.join("\n")).toContain(`bot ${bot}: the command before its release is under way still`);
    run.stdin.end();
    await once(run, "exit");
    expect((await sweep({ containers: [name] })).calls).toContain(`rm --force --volumes ${name}`);
  } finally {
    rmSync(step, { force: true });
  }
});

test("with the command that a killed release left its session in Postgres ends", async () => {
  const { calls } = await sweep({ containers: [`botgarden-before-deploy-${bot}`] });
  expect(calls.slice(0, 2)).toEqual([
    `stop --time 30 botgarden-before-deploy-${bot}`,
    `rm --force --volumes botgarden-before-deploy-${bot}`,
  ]);
  expect(calls.slice(2).join(" ")).toMatch(
    new RegExp(`^exec -u postgres botgarden-postgres psql .*pg_terminate_backend.*'${bot}'.*'172.30.0.9'$`),
  );
});

test("a container that the edge sends updates to stays, whatever the state says", async () => {
  const { calls } = await sweep({
    containers: ["hello-0a1b2c3", "hello-4d5e6f7"],
    serving: ["hello-0a1b2c3"],
  });
  expect(calls.filter((call) => call.includes("hello-0a1b2c3"))).toEqual([]);
  expect(calls).toContain("rm --force --volumes hello-4d5e6f7");
});

test.for([
  { what: "another provider's", type: "command:local:Command", name: "botgarden-postgres" },
  { what: "a volume of that", type: "docker:index/volume:Volume", name: "botgarden-postgres" },
  { what: "a container without a", type: CONTAINER },
  { what: "a container with a strange", type: CONTAINER, name: 7 },
])("$what name saves no container", async ({ type, name }) => {
  const { calls } = await sweep({ containers: ["botgarden-postgres"] }, [{ type, name }]);
  expect(calls).toContain("rm --force --volumes botgarden-postgres");
});

test("a name is one word to the host's shell, whatever is in it", async () => {
  const { calls } = await sweep({ containers: ["a b; docker info"] });
  expect(calls).toEqual(["stop --time 30 a b; docker info", "rm --force --volumes a b; docker info"]);
});

describe("a running garden is never taken for leftovers", () => {
  test("when another stack made it", async () => {
    const { calls, refused } = await sweep({ containers: ["botgarden-edge"], madeBy: "prod" });
    expect(calls).toEqual([]);
    expect(refused).toContain("root@203.0.113.10");
    expect(refused).toContain("prod");
  });

  test("when the state was lost, or the address is wrong", async () => {
    const { calls, refused } = await sweep({ networks: ["botgarden"] }, "none");
    expect(calls).toEqual([]);
    expect(refused).toContain("root@203.0.113.10");
    expect(refused).toContain("botgarden");
  });
});
