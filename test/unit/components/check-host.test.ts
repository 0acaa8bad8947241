/** The look at the host before anything is touched: the real script on hosts of a few programs. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  checkHost,
  HostError,
  type HostFacts,
  type HostWishes,
} from "../../../components/host/check-host.ts";
import { type Connection, connectionTo } from "../../../components/host/connection.ts";
import { findClient } from "../support/programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/**
 * A host that has the given programs, each a line of shell, and nothing else but the shell's own; with a root for the
 * garden's folders it has this machine's too.
 */
function host(programs: Readonly<Record<string, string>>, root?: string): Connection {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "bin"));
  for (const [name, line] of Object.entries({
    id: asRoot,
    uname: "echo x86_64",
    sed: 'exec /usr/bin/env -i PATH=/usr/bin:/bin sed "$@"',
    ...programs,
  })) {
    writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(folder, "bin", name), 0o755);
  }
  const ssh = connectionTo({ host: { kind: "ssh", user: "deploy", address: "203.0.113.10", port: 22 } });
  const path = root === undefined ? `${folder}/bin` : `${folder}/bin:/usr/bin:/bin`;
  const moved = root === undefined ? "" : `sed 's#\\(/etc\\|/var/lib\\)/botgarden#${root}&#g' |`;
  return {
    ...ssh,
    freshInterpreter: [
      "/bin/sh",
      "-c",
      `PATH='${path}'; case "$1" in "sh -s"*) ${moved} eval "exec /bin/$1";; *) exit 99;; esac`,
      "sh",
    ],
  };
}

const asRoot = 'case "$*" in -un) echo root;; -u) echo 0;; esac';
const asDeploy = 'case "$*" in -un) echo deploy;; -u) echo 1000;; esac';
const sudo = 'shift; if [ "$1" = true ]; then exit 0; fi; exec "$@"';
const docker = `case "$1 $2" in
  "version --format") echo 26.1.5;;
  "ps -a") echo container=botgarden-edge prod; echo container=hello-0a1b2c3 other;;
  "network ls") echo network=botgarden prod;;
esac`;

const amd64 = "linux/amd64";

function look(connection: Connection, wishes: Partial<HostWishes> = {}): Promise<HostFacts> {
  return checkHost(connection, { platform: amd64, pinned: [], ...wishes }, () => {});
}

function refusal(connection: Connection, wishes: Partial<HostWishes> = {}): Promise<string> {
  return look(connection, wishes).then(
    () => "not refused",
    (error: unknown) => {
      expect(error).toBeInstanceOf(HostError);
      return (error as HostError).message;
    },
  );
}

test("a bare host of root's is fine", async () => {
  expect(await look(host({}))).toEqual({
    platform: "linux/amd64",
    root: "yes",
    docker: "absent",
    containers: [],
    networks: [],
    serving: [],
    stopped: [],
    missing: [],
  });
});

test("a host with Docker tells what of the garden is there", async () => {
  const facts = await look(host({ docker }));
  expect(facts).toMatchObject({
    root: "yes",
    docker: "ok",
    containers: [
      { name: "botgarden-edge", stack: "prod" },
      { name: "hello-0a1b2c3", stack: "other" },
    ],
    networks: [{ name: "botgarden", stack: "prod" }],
  });
});

describe("what does not run and should", () => {
  type Bot = { readonly paused?: boolean; readonly location?: string; readonly state?: string };

  /** What a host tells of these bots, the last good release of each of which ended. */
  async function stopped(bots: Readonly<Record<string, Bot>>): Promise<readonly string[]> {
    const root = temporaryFolder();
    const write = (path: string, text: string) => {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    const lines = ["botgarden-edge exited edge ", "botgarden-postgres created postgres "];
    for (const [bot, { paused = false, location, state = "exited" }] of Object.entries(bots)) {
      lines.push(`${bot}-1 ${state} bot ${bot}`, `${bot}-2 ${state} bot ${bot}`);
      write(`var/lib/botgarden/releases/${bot}/1.json`, JSON.stringify({ container: `${bot}-1` }));
      if (paused) write(`etc/botgarden/edge/paused/${bot}`, "");
      if (location !== undefined)
        write(`etc/botgarden/edge/current/routes/${bot}.resolve.location.conf`, location);
    }
    write("exited", `${lines.join("\n")}\n`);
    const jq = await findClient("jq");
    const programs = {
      docker: `case "$*" in "version "*) echo 26.1.5;; *"status=exited --filter status=created"*) cat '${root}/exited';; esac`,
      jq: `LD_LIBRARY_PATH='${jq.env.LD_LIBRARY_PATH ?? ""}' exec ${jq.path} "$@"`,
    };
    return (await look(host(programs, root))).stopped;
  }
  const webhook = (bot: string) => `location = /webhook/${bot} {\n}\n`;

  test("is the core and of a bot the last good release", async () => {
    const bots = { hello: { location: webhook("hello") }, poller: {}, untried: { state: "created" } };
    expect(await stopped(bots)).toEqual(["botgarden-edge", "hello-1", "poller-1", "untried-1"]);
  });

  test("is not a bot that polls and is held, but one whose updates the edge holds", async () => {
    const paused = true;
    const bots = {
      hello: { paused, location: webhook("hello") },
      pages: { paused, location: "location /pages {\n}\n" },
      poller: { paused },
      untried: { paused, state: "created" },
    };
    expect(await stopped(bots)).toEqual(["botgarden-edge", "hello-1"]);
  });
});

test.for([
  ["x86_64", "linux/amd64"],
  ["aarch64", "linux/arm64"],
])("a processor that the kernel calls %s is Docker's %s", async ([machine, platform = amd64]) => {
  expect(await look(host({ uname: `echo ${machine}` }), { platform })).toMatchObject({ platform });
});

test("images are not built for another processor than the host's", async () => {
  const message = await refusal(host({ uname: "echo aarch64" }));
  expect(message).toContain("linux/arm64");
  expect(message).toContain("pulumi config set");
});

test("another login may become root", async () => {
  const facts = await look(host({ id: asDeploy, sudo, docker }));
  expect(facts).toMatchObject({ root: "sudo", docker: "ok" });
});

test("an engine that is down is no fault yet: it is started later", async () => {
  const down = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';
  expect(await look(host({ docker: down }))).toMatchObject({ docker: "down", containers: [] });
});

describe("images that bots are pinned to", () => {
  const there = `sha256:${"1".repeat(64)}`;
  const gone = `sha256:${"2".repeat(64)}`;
  const images = `case "$1 $2 $3" in "image inspect "*) [ "$3" = ${there} ];; *) ${docker};; esac`;

  test("are looked for before anything is touched", async () => {
    const pinned = [
      { name: "hello", pin: there },
      { name: "shop", pin: there },
    ];
    expect(await look(host({ docker: images }), { pinned })).toMatchObject({ missing: [] });
  });

  test("are named with their bots when they are not there", async () => {
    const pinned = [
      { name: "hello", pin: there },
      { name: "shop", pin: gone },
    ];
    const message = await refusal(host({ docker: images }), { pinned });
    expect(message).toMatch(/^shop is pinned to the image sha256:222222222222, which is not on deploy@203/);
    expect(message).toContain("pulumi config rm --path 'botgarden:pins.shop'");
    expect(message).not.toContain("hello");
    // Another host, perhaps: a new one has none of them.
    expect(await refusal(host({}), { pinned: [{ name: "hello", pin: there }] })).toContain("hello is pinned");
  });

  test("are not missed while Docker is down, for then nobody knows", async () => {
    const down = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';
    const pinned = [{ name: "hello", pin: gone }];
    expect(await look(host({ docker: down }), { pinned })).toMatchObject({ docker: "down" });
  });
});

describe("a login that cannot become root", () => {
  test("is told how to", async () => {
    const message = await refusal(host({ id: asDeploy }));
    expect(message).toContain("deploy");
    expect(message).toContain("203.0.113.10");
    expect(message).toContain("NOPASSWD");
  });

  test("is told so when sudo asks for a password", async () => {
    const asks = 'echo "sudo: a password is required" >&2; exit 1';
    expect(await refusal(host({ id: asDeploy, sudo: asks }))).toContain("NOPASSWD");
  });

  test("and may not use Docker either, is told both", async () => {
    const denied = 'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1';
    expect(await refusal(host({ id: asDeploy, docker: denied }))).toContain("may not use Docker");
  });
});

test("a command that fails on the host is told with the host's words, at once", async () => {
  const broken: Connection = {
    ...host({}),
    freshInterpreter: ["/bin/sh", "-c", "echo 'the disk is gone' >&2; exit 5"],
  };
  const said: string[] = [];
  const message = await checkHost(broken, { platform: amd64, pinned: [] }, (line) => said.push(line)).catch(
    (error: unknown) => (error as Error).message,
  );
  expect(message).toContain("the disk is gone");
  expect(message).toContain("deploy@203.0.113.10");
  expect(said).toEqual([]);
});

test("a machine without ssh is told so", async () => {
  const without: Connection = { ...host({}), freshInterpreter: [join(temporaryFolder(), "no-such-ssh")] };
  expect(await refusal(without)).toContain("there is no ssh");
});

test("the look changes nothing on the host", async () => {
  const folder = temporaryFolder();
  const connection = host({ docker: `echo "$*" >>'${folder}/calls'; ${docker}` });
  await look(connection);
  expect(readdirSync(folder)).toEqual(["calls"]);
});
