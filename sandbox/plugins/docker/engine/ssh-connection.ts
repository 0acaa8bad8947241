/**
 * One connection to a Docker engine on another machine: the standard streams of one `ssh` process that runs
 * `docker system dial-stdio` there. It behaves as a socket for Node's http client.
 *
 * Wording of the failure: docker/cli v28.5.2, cli/connhelper/commandconn/commandconn.go.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Duplex } from "node:stream";

/** How much of what ssh says on its standard error is kept for the message, in bytes. */
const STDERR_KEPT = 4096;
/** After this long without use a kept connection is closed, in milliseconds (docker's client: 30 s). */
const IDLE_MS = 30_000;
/** A closed ssh that doesn't go by itself is killed after this long, in milliseconds. */
const KILL_AFTER_MS = 3_000;

/** The standard streams of one `ssh` as a socket. */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #command: readonly string[];
  #stderr = "";
  #idle: NodeJS.Timeout | undefined;

  /** @param args the arguments of `ssh`, from `engineAddress` */
  constructor(args: readonly string[]) {
    super({ allowHalfOpen: true });
    this.#command = ["ssh", ...args];
    // A process group of its own keeps a Ctrl-C at the terminal from cutting an operation short: the engine asks
    // the plugin to stop in its own way.
    this.#child = spawn("ssh", args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) this.#child.stdout.pause();
    });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString()}`.slice(-STDERR_KEPT);
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.on("error", (error) => this.destroy(error));
    this.#child.on("close", (code, signal) => this.#closed(code, signal));
  }

  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.destroyed) return;
    if (code === 0) {
      // Nobody reads a kept connection, so nobody would see its end: it must not be used again.
      if (this.#idle !== undefined) this.destroy();
      else this.once("end", () => this.destroy()).push(null);
      return;
    }
    const how = code === null ? `signal: ${signal ?? "unknown"}` : `exit status ${code}`;
    this.destroy(
      new Error(
        `command [${this.#command.join(" ")}] has exited with ${how}, make sure the URL is valid, and Docker 18.09 ` +
          `or later is installed on the remote host: stderr=${this.#stderr}`,
      ),
    );
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A write to an ssh that has gone fails with EPIPE before its exit status is known; the reason that the
    // exit brings says more, so the write only waits then.
    this.#child.stdin.write(chunk, (error) => {
      if (error === null || error === undefined) done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#child.stdin.end();
    this.#child.kill("SIGTERM");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), KILL_AFTER_MS);
    kill.unref();
    this.#child.once("exit", () => clearTimeout(kill));
    done(error);
  }

  /** Called by Node's agent when a request is done and the connection is kept. */
  setKeepAlive(): this {
    this.#idle = setTimeout(() => this.destroy(), IDLE_MS);
    this.#idle.unref();
    return this;
  }

  /** Called by Node's agent: a kept connection must not keep the process alive. */
  unref(): this {
    this.#child.unref();
    return this;
  }

  /** Called by Node's agent when a kept connection is used again. */
  ref(): this {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#child.ref();
    return this;
  }

  /** Part of a socket's interface; the engine's operations set their own time limits. */
  setTimeout(): this {
    return this;
  }

  /** Part of a socket's interface; pipes have nothing to set. */
  setNoDelay(): this {
    return this;
  }
}
