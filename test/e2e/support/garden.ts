/**
 * The sandbox that the end-to-end tests share, on a copy of the project: tests add and change bots without touching the
 * checkout. A test file asks for what it needs (`planted`), so that the files can run in any order and alone.
 */
import { join } from "node:path";
import { cacheFolder } from "../../../sandbox/engine/paths.ts";
import { checkout, sandboxIdOf } from "../../../sandbox/lifecycle/checkout.ts";
import { processEnvironment } from "../../../sandbox/lifecycle/environment.ts";
import { onHost } from "../../../sandbox/lifecycle/ssh.ts";
import { setToken } from "../../../sandbox/lifecycle/stack.ts";
import { partsOf, readState, type SandboxState } from "../../../sandbox/lifecycle/state.ts";
import { portFileOf } from "../../../sandbox/telegram/background.ts";
import { TelegramClient } from "../../../sandbox/telegram/client.ts";
import { type Run, runProgram } from "./run.ts";

/**
 * Where the copy of the project is: outside of the checkout, one per run of vitest. `npm test` runs two beside each other,
 * told apart by BOTGARDEN_E2E.
 */
export function projectFolder(): string {
  return join(cacheFolder("e2e"), `${sandboxIdOf(checkout)}-${process.env.BOTGARDEN_E2E ?? "e2e"}`);
}

/** The running sandbox, with what tests do to it. */
export class Garden {
  readonly state: SandboxState;
  readonly telegram: TelegramClient;

  constructor(state: SandboxState = readState(sandboxIdOf(projectFolder()))) {
    this.state = state;
    this.telegram = TelegramClient.fromPortFile(portFileOf(partsOf(state.id).telegram));
  }

  get project(): string {
    return this.state.project;
  }

  /** The environment in which `pulumi` works on the sandbox's stack. */
  get environment(): NodeJS.ProcessEnv {
    return processEnvironment(this.state.id, this.state.toolchain);
  }

  /** Runs `pulumi` in the project's folder, whatever its exit code. */
  pulumi(...args: string[]): Promise<Run> {
    return runProgram(this.state.toolchain.cli, ["--non-interactive", "--color=never", ...args], {
      cwd: this.project,
      env: this.environment,
    });
  }

  /** `pulumi up` that must succeed. */
  async up(...args: string[]): Promise<Run> {
    const run = await this.pulumi("up", "--yes", "--skip-preview", ...args);
    if (run.code !== 0) throw new Error(`pulumi up failed:\n${run.output}`);
    return run;
  }

  /** Makes sure that the garden is planted: every file leaves it as the project's own files say. */
  async planted(): Promise<this> {
    const running = await this.onHost("docker ps --format '{{.Names}}' 2>/dev/null || true");
    if (!/^botgarden-edge$/m.test(running) || !/^hello-/m.test(running)) await this.up();
    return this;
  }

  /** Runs a command on the host and gives what it printed. */
  onHost(command: string, input?: string): Promise<string> {
    return onHost(this.state.host, command, input);
  }

  /** A person writes to a bot; gives the first answer's text. */
  async ask(bot: string, text: string, chat = 1_000_001): Promise<string> {
    const update = await this.telegram.send({ bot, text, chat });
    const [answer] = await this.telegram.waitForReply({
      bot,
      chat,
      afterUpdateId: update,
      timeoutMs: 120_000,
    });
    return answer?.text ?? "";
  }

  /** Makes a bot at the Telegram stand-in and stores its token in the stack. */
  async addToken(bot: string): Promise<string> {
    const token = await this.telegram.addBot({ name: bot });
    await setToken(this.state, bot, token);
    return token;
  }

  /** Names of the garden's containers on the host, sorted. */
  async containers(): Promise<string[]> {
    const names = await this.onHost("docker ps -a --filter label=botgarden.garden --format '{{.Names}}'");
    return names
      .split("\n")
      .filter((name) => name !== "")
      .sort();
  }
}
