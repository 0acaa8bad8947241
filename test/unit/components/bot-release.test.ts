/** release.sh with a real Docker engine: what is as before when a release fails late. The edge is a list of its calls. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { docker, dockerLines } from "../../../sandbox/engine/docker.ts";
import { imageInEngine } from "../support/images.ts";
import { runProgram } from "../support/processes.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const root = sharedFolder();
// Docker's names are shared with whatever else runs here.
const bot = `release-${process.pid}`;
const [old, next] = [`${bot}-1`, `${bot}-2`];
const edgeCalls = join(root, "edge.calls");
const passwordCalls = join(root, "password.calls");
const formerRoute = { files: { "former.conf": "" }, secret: null };
const route = { files: { "next.conf": "" }, secret: null };
/** Says to a container that it has the updates. */
const sign = join(root, "sign");
/** Says that a call of docker has failed. */
const failed = join(root, "failed");
const dies = "until [ -e /sign/routed ]; do sleep 0.1; done; exit 7";
let image: string;

beforeAll(async () => {
  image = await imageInEngine("nginx:1.30.4");
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "path"));
  mkdirSync(sign);
  for (const [name, file] of [
    ["bot-release", "release.sh"],
    ["bot-release-health", "release-health.sh"],
    ["bot-records", "records.sh"],
  ] as const) {
    const text = readFileSync(new URL(`../../../components/bot/${file}`, import.meta.url), "utf8");
    script(
      `bin/${name}`,
      text.replaceAll("/run/lock/", `${root}/lock-`).replaceAll("/var/lib/botgarden", join(root, "var")),
    );
  }
  // Nobody is paused.
  script(
    "bin/edge",
    `#!/bin/sh\nif [ "$1" = paused ]; then exit 1; fi\necho "$1" $(jq -c .) >>'${edgeCalls}'\ntouch '${sign}/routed'\n`,
  );
  script("bin/postgres-password", `#!/bin/sh\necho "$1" >>'${passwordCalls}'\n`);
  script(
    "path/docker",
    `#!/bin/sh\ncase "$*" in $FAILS) if mkdir '${failed}' 2>/dev/null || [ -z "$ONCE" ]; then echo "Cannot $1" >&2; exit 1; fi ;; esac\nPATH=\${PATH#*:}\nexec docker "$@"\n`,
  );
}, 900_000);
beforeEach(() => {
  writeFileSync(edgeCalls, "");
  writeFileSync(passwordCalls, "");
  rmSync(join(sign, "routed"), { force: true });
  rmSync(failed, { recursive: true, force: true });
  // What the host remembers.
  rmSync(join(root, "var"), { recursive: true, force: true });
});
afterEach(removeContainers);
afterAll(async () => {
  for (const tag of await dockerLines([
    "image",
    "ls",
    "--format",
    "{{.Repository}}:{{.Tag}}",
    `botgarden/${bot}`,
  ]))
    await docker(["image", "rm", tag]);
});

function script(name: string, text: string): void {
  writeFileSync(join(root, name), text, { mode: 0o755 });
}

async function removeContainers(): Promise<void> {
  const containers = await dockerLines(["ps", "-aq", "--filter", `label=botgarden.bot=${bot}`]);
  if (containers.length > 0) await docker(["rm", "--force", ...containers]);
}

/** A container as Pulumi makes it. */
async function create(name: string, program: string, health = ["--no-healthcheck"]): Promise<void> {
  const options = [
    "--name",
    name,
    "--label",
    `botgarden.bot=${bot}`,
    "--restart",
    "unless-stopped",
    "--init",
  ];
  const more = [
    "--user",
    "1000:1000",
    "--env",
    "WEBHOOK_URL=https://bots.example.com/",
    ...health,
    "--volume",
    `${sign}:/sign:ro`,
  ];
  await docker(["create", ...options, ...more, "--entrypoint", "sh", image, "-c", program]);
}

/** The host remembers the old container as the last good release. */
async function remember(): Promise<void> {
  const input = JSON.stringify({ reference: "build", route: formerRoute });
  expect(await runProgram(join(root, "bin/bot-records"), ["add", bot, old], { input })).toMatchObject({
    code: 0,
  });
}

/** @param fails what docker does not do: a pattern of the shell  @param once or only at the first try */
function release(changes: object = {}, fails = "", once = false) {
  const settings = {
    processes: 100,
    port: null,
    deadline: 30,
    settle: 60,
    grace: 1,
    route,
    beforeDeploy: null,
  };
  const input = { ...settings, stopsFirst: false, writesAlone: false, reference: "build", ...changes };
  return runProgram(join(root, "bin/bot-release"), ["switch", bot, next], {
    input: JSON.stringify(input),
    env: {
      ...process.env,
      FAILS: fails,
      ONCE: once ? "yes" : "",
      PATH: `${join(root, "path")}:${process.env.PATH ?? ""}`,
    },
  });
}

const told = () => readFileSync(edgeCalls, "utf8").trimEnd().split("\n");
const passwords = () => readFileSync(passwordCalls, "utf8").trimEnd().split("\n");
const state = (name: string) => docker(["inspect", "--format", "{{.State.Status}}", name]);
const timeout = 120_000;

test("a first release that dies after the switch leaves no route", { timeout }, async () => {
  await create(next, dies);
  const { code, stderr } = await release();
  expect(code).toBe(1);
  expect(stderr).toContain("it took over, and then it exited");
  expect(told()).toEqual([`route ${JSON.stringify(route)}`, "unroute"]);
  expect(await state(next)).toBe("exited");
});

// Docker refuses to change a container that is just exiting.
test("one that dies as its restarts are set is said to have exited", { timeout }, async () => {
  await create(next, dies);
  const { code, stderr } = await release({}, "update --restart unless-stopped *", true);
  expect(code).toBe(1);
  expect(existsSync(failed)).toBe(true);
  expect(stderr).toContain("it took over, and then it exited");
  expect(told()).toEqual([`route ${JSON.stringify(route)}`, "unroute"]);
});

test("one whose restarts cannot be set does not pass, and Docker's reason is shown", {
  timeout,
}, async () => {
  await create(next, "sleep 600");
  const { code, stderr } = await release({}, "update --restart unless-stopped *");
  expect(code).toBe(1);
  expect(stderr).toContain("Cannot update\n");
  expect(stderr).toContain("its restarts cannot be set");
  expect(told()).toEqual([`route ${JSON.stringify(route)}`, "unroute"]);
});

test("one that is removed while it is waited for is said to be gone", { timeout }, async () => {
  await create(next, "sleep 600");
  const released = release({ port: 8080, deadline: 100 });
  await expect.poll(() => state(next), { timeout: 60_000 }).toBe("running");
  await docker(["rm", "--force", next]);
  const { code, stderr } = await released;
  expect(code).toBe(1);
  expect(stderr).toContain("failed its gate: the container is gone\n");
});

// As while its package is upgraded; with `live-restore` the containers go on.
test.for([
  "inspect -f {{.Id}} *",
  "inspect -f user *",
  "inspect -f {{.State.Status}} {{if *",
  "inspect -f {{.State.Status}} {{.RestartCount}} *",
])("an engine that does not answer `%s` at once is asked again", { timeout }, async (question) => {
  await create(next, "sleep 600");
  const { code, stderr } = await release({ settle: 3 }, question, true);
  expect(existsSync(failed)).toBe(true);
  expect(code, stderr).toBe(0);
  expect(await state(next)).toBe("running");
});

test("one whose health check cannot be read just now is looked at again", { timeout }, async () => {
  await create(next, "sleep 600", ["--health-cmd", "true", "--health-interval", "1h"]);
  const { code, stderr } = await release({ settle: 0 }, "inspect -f {{json *", true);
  expect(existsSync(failed)).toBe(true);
  expect(code, stderr).toBe(0);
});

test("one that dies after the switch gives the route back, also to one that does not run just now", {
  timeout,
}, async () => {
  await create(old, "sleep 600");
  await remember();
  await create(next, dies);
  expect((await release()).code).toBe(1);
  expect(told()).toEqual([route, formerRoute].map((one) => `route ${JSON.stringify(one)}`));
});

test("whatever fails before the start of one that must be alone, what ran before goes on", {
  timeout,
}, async () => {
  await create(old, "sleep 600");
  await remember();
  await docker(["start", old]);
  await create(next, "sleep 600");
  const { code, stderr } = await release({ stopsFirst: true }, "update *");
  expect(code).toBe(1);
  expect(stderr).toContain("What ran before goes on");
  expect(await state(old)).toBe("running");
  expect(await state(next)).toBe("created");
  expect(passwords()).toEqual(["take", "give-back"]);
});

test("a good release keeps the database password that it began with", { timeout }, async () => {
  await create(next, "sleep 600");
  expect(await release({ settle: 0 })).toMatchObject({ code: 0 });
  expect(passwords()).toEqual(["take", "keep"]);
});
