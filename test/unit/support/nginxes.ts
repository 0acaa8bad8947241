/** The real nginx programs that the edge's configuration is tried on. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { featuresOf, type NginxFeatures } from "../../../components/edge/features.ts";
import { docker } from "../../../sandbox/engine/docker.ts";
import { imageInEngine } from "./images.ts";
import { listens } from "./ports.ts";
import { type Ended, endProcess, runProgram } from "./processes.ts";
import { findNginx } from "./programs.ts";

/** An nginx that sees this machine's files and ports. */
export interface Nginx {
  readonly version: string;
  readonly features: NginxFeatures;
  /** The user of its workers, who must be able to read what is served. */
  readonly user: string;
  run(args: readonly string[]): Promise<Ended>;
  /** Starts it with a configuration. @param port on which it listens then */
  start(config: string, port: number): Promise<RunningNginx>;
}

export interface RunningNginx {
  /** Ends it gently, with what is buffered for its log written. */
  stop(): Promise<void>;
}

/**
 * The nginx programs that are tried. 1.25 cannot resolve the servers of an upstream while it runs, 1.30 can; the machine's
 * may be older than both.
 */
export const nginxVersions = ["machine", "nginx:1.25.5", "nginx:1.30.4"] as const;

/**
 * The nginx of an image, or of this machine's packages.
 *
 * @param reference of an image; `machine` for the packages'
 * @param folder what the one in a container sees of this machine
 */
export async function openNginx(reference: string, folder: string): Promise<Nginx> {
  const program = reference === "machine" ? await machineNginx() : await imageNginx(reference, folder);
  const { stderr } = await program.run(["-v"]);
  const version = /nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1];
  if (version === undefined) throw new Error(`nginx -v says: ${stderr}`);
  return { ...program, version, features: featuresOf(`nginx:${version}`) };
}

async function machineNginx(): Promise<Omit<Nginx, "version" | "features">> {
  const { path, env } = await findNginx();
  return {
    user: process.getuid?.() === 0 ? "root" : "",
    run: (args) => runProgram(path, args, { env }),
    start: (config, port) =>
      started(spawn(path, ["-c", config, "-g", "daemon off;"], { env, stdio: "ignore" }), port),
  };
}

async function imageNginx(reference: string, folder: string): Promise<Omit<Nginx, "version" | "features">> {
  const image = await imageInEngine(reference);
  const name = `botgarden-unit-${randomBytes(4).toString("hex")}`;
  const args = [
    "run",
    "--rm",
    "--network",
    "host",
    "--volume",
    `${folder}:${folder}`,
    "--entrypoint",
    "nginx",
  ];
  return {
    user: "root",
    run: (more) => runProgram("docker", [...args, image, ...more]),
    start: (config, port) => {
      const command = [
        ...args,
        "--name",
        name,
        "--stop-signal",
        "SIGQUIT",
        image,
        "-c",
        config,
        "-g",
        "daemon off;",
      ];
      return started(spawn("docker", command, { stdio: "ignore" }), port, () => docker(["stop", name]));
    },
  };
}

async function started(
  child: ChildProcess,
  port: number,
  stop: () => Promise<unknown> = () => endProcess(child, "SIGQUIT"),
): Promise<RunningNginx> {
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    await delay(20);
  }
  return {
    stop: async () => {
      await stop();
      await endProcess(child);
    },
  };
}
