/** The place where an edge is measured: a real garden on a sandbox's host, and room beside it for bots and rivals. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { UserError } from "../cli/user-error.ts";
import { cacheFolder } from "../engine/paths.ts";
import { checkout, sandboxIdOf } from "../lifecycle/checkout.ts";
import { copyProject } from "../lifecycle/copy.ts";
import { down } from "../lifecycle/down.ts";
import { pulumi } from "../lifecycle/stack.ts";
import type { SandboxState } from "../lifecycle/state.ts";
import { up } from "../lifecycle/up.ts";
import { type ControlGroup, controlGroupOf } from "./cgroup.ts";
import { HostEngine } from "./engine.ts";
import { benchImage } from "./images.ts";

/** The processors: one for the edge alone, another for everything else, so that they do not disturb each other. */
export const cpus = { edge: "1", rest: "0" } as const;

/** The network of bots and rivals; its addresses are set aside for benchmarks (RFC 2544). */
const network = { name: "bench", subnet: "198.18.7.0/24" };

/** The garden's edge, as components/edge names it. */
export const edgeContainer = "botgarden-edge";

/** Where configurations lie on the host. */
export const hostFolder = "/var/lib/botgarden-bench";

/** A running container on the host. */
export interface Box {
  readonly name: string;
  /** In the benchmark's network. */
  readonly address: string;
  readonly group: ControlGroup;
}

/** What `docker run` is to be given. */
export interface BoxOptions {
  /** Also its name on the network. */
  readonly name: string;
  readonly image: string;
  readonly cpu: string;
  readonly options?: readonly string[];
  readonly command?: readonly string[];
}

export interface Workshop {
  readonly state: SandboxState;
  readonly engine: HostEngine;
  /** The image of the garden's edge, as the host's engine has it. */
  readonly nginx: string;
  /** On this machine, for files that are then copied to {@link hostFolder}. */
  readonly folder: string;
  readonly log: (line: string) => void;
  /** The container in which the load tool runs. */
  readonly loader: string;
}

/**
 * Plants a garden on a sandbox of its own, does the work, and removes all of it.
 *
 * @param name of the benchmark: two can run beside each other
 * @throws UserError on a machine with one processor
 */
export async function inWorkshop(
  name: string,
  log: (line: string) => void,
  work: (workshop: Workshop) => Promise<void>,
): Promise<void> {
  if (availableParallelism() < 2) {
    throw new UserError(
      "the benchmark of the edge needs two processors: one for the edge, one for the load.",
    );
  }
  const project = copyProject(join(cacheFolder("bench"), `${sandboxIdOf(checkout)}-${name}`));
  const folder = mkdtempSync(join(cacheFolder("bench"), "files-"));
  try {
    const load = await benchImage("load", log);
    const state = await up({ project, log });
    await work(await furnish({ state, folder, load, log }));
  } finally {
    await down(sandboxIdOf(project), log);
    rmSync(project, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function furnish(options: {
  state: SandboxState;
  folder: string;
  load: string;
  log: (line: string) => void;
}): Promise<Workshop> {
  const { state, folder, load, log } = options;
  // Requests come from the host, whose address is the network's gateway.
  const allowed = ["--path", "--plaintext", `botgarden:edge.allowFrom[2]=${network.subnet}`];
  await pulumi(state, ["config", "set-all", ...allowed, "--non-interactive"]);
  log("planting the garden");
  await pulumi(state, ["up", "--yes", "--skip-preview", "--non-interactive"]);
  const engine = new HostEngine(state.host.container);
  await engine.docker(["network", "create", "--subnet", network.subnet, network.name]);
  await engine.run(["mkdir", "-p", hostFolder]);
  await engine.take(load);
  const nginx = await engine.docker(["inspect", "--format", "{{.Image}}", edgeContainer]);
  const loader = "bench-load";
  await engine.docker([
    ...["run", "--detach", "--name", loader, "--network", "host", "--cpuset-cpus", cpus.rest, load],
  ]);
  return { state, engine, nginx, folder, log, loader };
}

/** Starts a container that `docker run` can start at once. @throws Error with its last lines if it ends */
export async function startBox(workshop: Workshop, options: BoxOptions): Promise<Box> {
  const { engine } = workshop;
  const { name, image, cpu, options: more = [], command = [] } = options;
  await engine.docker([
    ...["run", "--detach", "--name", name, "--cpuset-cpus", cpu, "--network", network.name],
    ...more,
    image,
    ...command,
  ]);
  return boxOf(workshop, name);
}

/** A container of the benchmark's network. @throws Error with its last lines if it has ended */
export async function boxOf({ engine }: Workshop, name: string): Promise<Box> {
  const format = `{{.Id}} {{(index .NetworkSettings.Networks "${network.name}").IPAddress}}`;
  const [id = "", address = ""] = (await engine.docker(["inspect", "--format", format, name])).split(" ");
  if (address === "") {
    const said: string[] = [];
    await engine.docker(["logs", "--tail", "20", name], { log: (line) => said.push(line) });
    throw new Error(`the container ${name} ended at once:\n${said.join("\n")}`);
  }
  return { name, address, group: controlGroupOf(id) };
}

/** Puts the garden's edge on its processor and into the benchmark's network. */
export async function borrowEdge(workshop: Workshop): Promise<Box> {
  const { engine } = workshop;
  await engine.docker(["network", "connect", network.name, edgeContainer]);
  await engine.docker(["update", "--cpuset-cpus", cpus.edge, edgeContainer]);
  // Its first process counts the processors.
  await engine.docker(["restart", edgeContainer]);
  return boxOf(workshop, edgeContainer);
}
