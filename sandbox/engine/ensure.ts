/** A Docker engine on the operator's machine: the one that answers, else one that is installed and started. */
import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../cli/user-error.ts";
import { docker, dockerOrNothing, ProgramError, run } from "./docker.ts";
import { withLock } from "./lock.ts";
import { canInstall, ensurePrograms, type Program } from "./packages.ts";
import { cacheFolder } from "./paths.ts";
import { markOf, readPidFile, writePidFile } from "./processes.ts";

/** The engine that the sandbox uses. */
export interface Engine {
  version: string;
  /** True when the sandbox itself started this engine, now or in an earlier run. */
  ours: boolean;
}

const ssh: readonly Program[] = [
  { name: "ssh", package: "openssh-client" },
  { name: "ssh-keygen", package: "openssh-client" },
];

/** Milliseconds that an engine may take to start. */
const startLimit = 60_000;

/**
 * Makes sure that a Docker engine answers, and that the programs are there which the sandbox calls (docker,
 * ssh, ssh-keygen). Root on Debian or Ubuntu: installs and starts what is missing. Else a UserError that says
 * what to install.
 *
 * An engine that was started here is left running when the sandbox goes down: it is the machine's only one,
 * its caches make the next `up` fast, and something else may have begun to use it. Its pid is in
 * `engine/dockerd.pid` of the cache folder, its log beside it.
 */
export async function ensureDocker({ log }: { log: (line: string) => void }): Promise<Engine> {
  const found = await answeringVersion();
  if (found !== undefined) {
    await ensurePrograms(ssh, log);
    return { version: found, ours: isOurs() };
  }
  await refuseForeignEngine();
  return withLock("engine", log, async () => {
    const meanwhile = await answeringVersion();
    if (meanwhile === undefined) await installAndStart(log);
    return {
      version: meanwhile ?? (await docker(["version", "--format", "{{.Server.Version}}"])),
      ours: isOurs(),
    };
  });
}

function pidFile(): string {
  return join(cacheFolder("engine"), "dockerd.pid");
}

function isOurs(): boolean {
  return readPidFile(pidFile()) !== undefined;
}

async function answeringVersion(): Promise<string | undefined> {
  return dockerOrNothing(["version", "--format", "{{.Server.Version}}"], { timeout: 20_000 });
}

/** Cases in which starting an engine here would not help. */
async function refuseForeignEngine(): Promise<void> {
  const host = process.env.DOCKER_HOST;
  if (host) {
    throw new UserError(
      `the Docker engine at DOCKER_HOST=${host} does not answer. Start it, or unset DOCKER_HOST.`,
    );
  }
  const reason = await docker(["version", "--format", "{{.Server.Version}}"], { timeout: 20_000 }).then(
    () => "",
    (error: unknown) => (error instanceof ProgramError ? error.output : String(error)),
  );
  if (/permission denied/i.test(reason)) {
    throw new UserError(
      "the Docker engine of this machine refuses this user. Add the user to the group docker " +
        '("sudo usermod -aG docker $USER", then log in again), or run as root.',
    );
  }
  if (!canInstall()) {
    throw new UserError(
      "the sandbox needs a Docker engine, and none answers on this machine. Install Docker and start it " +
        "(Debian, Ubuntu: sudo apt-get install docker.io; others: see docs.docker.com/engine/install), then try " +
        "again. As root on Debian or Ubuntu the sandbox installs and starts one itself.",
    );
  }
}

async function installAndStart(log: (line: string) => void): Promise<void> {
  await ensurePrograms(
    [
      { name: "dockerd", package: "docker.io" },
      { name: "iptables", package: "iptables" },
      // The image base is made with it where Docker Hub can't be reached; one apt-get run is enough.
      { name: "debootstrap", package: "debootstrap" },
      ...ssh,
    ],
    log,
  );
  // Up to Debian 12 docker.io brings the command line too; since 13 it is a package of its own.
  await ensurePrograms([{ name: "docker", package: "docker-cli" }], log);
  if (existsSync("/run/systemd/system")) {
    log("starting the Docker engine of this machine (systemctl)");
    await run("systemctl", ["start", "docker"]);
    await waitForAnswer(undefined, "see journalctl -u docker");
    return;
  }
  await mountCgroups(log);
  await startDaemon(log);
}

/** Where nothing else does it, as in a plain container or a small virtual machine, cgroups aren't mounted. */
async function mountCgroups(log: (line: string) => void): Promise<void> {
  if (/^cgroup2? \S+ cgroup2? /m.test(readFileSync("/proc/mounts", "utf8"))) return;
  log("mounting cgroups on this machine");
  await run("mount", ["-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"]);
}

async function startDaemon(log: (line: string) => void): Promise<void> {
  const logFile = join(cacheFolder("engine"), "dockerd.log");
  log(`starting a Docker engine on this machine (no systemd here; its log: ${logFile})`);
  for (let attempt = 1; ; attempt += 1) {
    await forgetDead("/var/run/docker.pid", "dockerd");
    await forgetDead("/var/run/docker/containerd/containerd.pid", "containerd");
    try {
      return await spawnDaemon(logFile);
    } catch (error) {
      // Right after another engine was killed, what it leaves may still be ending.
      if (attempt === 3) throw error;
      log("the Docker engine ended at once; trying again");
    }
  }
}

async function spawnDaemon(logFile: string): Promise<void> {
  const output = openSync(logFile, "a", 0o600);
  // A session of its own: it must outlive this process and the terminal.
  const child = spawn("dockerd", [], {
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
  });
  const failure = new Promise<never>((_, reject) => {
    child.on("error", (error) => reject(new UserError(`dockerd could not be started: ${error.message}`)));
  });
  const { pid } = child;
  if (pid === undefined) return failure;
  child.unref();
  writePidFile(pidFile(), pid);
  await Promise.race([waitForAnswer(pid, `see ${logFile}`), failure]);
}

/**
 * After a kill a pid file may name a process that has ended or, by now, something else, and a new engine would give up
 * because of it. One that is just ending is waited for.
 */
async function forgetDead(file: string, program: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (existsSync(file)) {
    const pid = readFileSync(file, "utf8").trim();
    const comm = `/proc/${pid}/comm`;
    // A killed process keeps its name until its parent asks for it, which not every first process does: `markOf` knows.
    const runs = markOf(Number(pid)) !== undefined && existsSync(comm);
    if (!runs || readFileSync(comm, "utf8").trim() !== program) return rmSync(file, { force: true });
    if (Date.now() > end) return;
    await delay(200);
  }
}

async function waitForAnswer(pid: number | undefined, hint: string): Promise<void> {
  const end = Date.now() + startLimit;
  while ((await answeringVersion()) === undefined) {
    if (pid !== undefined && !markOf(pid)) throw new UserError(`the Docker engine ended at once: ${hint}.`);
    if (Date.now() > end) {
      throw new UserError(`the Docker engine did not answer within ${startLimit / 1000} s: ${hint}.`);
    }
    await delay(200);
  }
}
