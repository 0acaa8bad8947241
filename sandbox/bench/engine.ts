/** The Docker engine of a sandbox's host, and the host itself, as the benchmark uses them: without ssh in between. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { docker, type RunOptions } from "../engine/docker.ts";

export class HostEngine {
  readonly #host: string;

  /** @param host the container that is the host */
  constructor(host: string) {
    this.#host = host;
  }

  /** Runs a program on the host and gives what it printed, without the last line end. @throws ProgramError */
  run(command: readonly string[], options: RunOptions = {}): Promise<string> {
    return docker(["exec", "--interactive", this.#host, ...command], options);
  }

  /** Runs `docker` on the host. @throws ProgramError */
  docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.run(["docker", ...args], options);
  }

  /** Starts a program on the host, for those that are talked to. */
  start(command: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn("docker", ["exec", "--interactive", this.#host, ...command]);
  }

  /** Takes an image of the operator's engine to the host. */
  async take(image: string): Promise<void> {
    const script = 'docker save "$1" | docker exec --interactive "$2" docker load --quiet';
    await new Promise<void>((resolve, reject) => {
      const child = spawn("sh", ["-c", script, "sh", image, this.#host], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      child.on("error", reject).on("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`the image ${image} could not be taken to the host (code ${String(code)})`));
      });
    });
  }

  /** Copies a file or folder of this machine to the host. */
  async copy(from: string, to: string): Promise<void> {
    await docker(["cp", from, `${this.#host}:${to}`]);
  }
}
