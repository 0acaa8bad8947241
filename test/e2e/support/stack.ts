import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { copyProject } from "../../../sandbox/lifecycle/copy.ts";
import { partsOf } from "../../../sandbox/lifecycle/state.ts";
import type { Host } from "../../../sandbox/vps/host.ts";
import type { Garden } from "./garden.ts";
import { type Run, runProgram } from "./run.ts";

/** A stack of its own on a copy of the project, for what must not touch the shared garden. */
export interface Stack {
  readonly project: string;
  readonly environment: NodeJS.ProcessEnv;
  pulumi(...args: string[]): Promise<Run>;
  /** Starts from the settings that fit the host and changes some; `undefined` removes one. */
  set(changes: Record<string, string | undefined>): Promise<void>;
  /** Stores a secret. */
  secret(key: string, value: string): Promise<void>;
  /** The types of the resources in the state. */
  resources(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function separateStack(garden: Garden, name: string, host: Host): Promise<Stack> {
  const project = copyProject(`${garden.project}-${name}`);
  const backend = join(partsOf(garden.state.id).backend, "..", `backend-${name}`);
  rmSync(backend, { recursive: true, force: true });
  mkdirSync(backend, { recursive: true });
  const env: NodeJS.ProcessEnv = {
    ...garden.environment,
    PULUMI_BACKEND_URL: pathToFileURL(backend).href,
    PULUMI_STACK: name,
  };
  const pulumi = (...args: string[]) =>
    runProgram(garden.state.toolchain.cli, [...args, "--non-interactive", "--color=never"], {
      cwd: project,
      env,
    });
  const must = async (run: Promise<Run>): Promise<string> => {
    const { code, output } = await run;
    if (code !== 0) throw new Error(output);
    return output;
  };
  const fitting = {
    host: `${host.user}@${host.address}`,
    hostKey: host.hostKey,
    identityFile: host.identityFile,
    domain: garden.state.domain,
    "telegram.apiRoot": garden.state.apiRoot,
  };
  const file = join(project, `Pulumi.${name}.yaml`);

  const stack: Stack = {
    project,
    environment: env,
    pulumi,
    async set(changes) {
      rmSync(file, { force: true });
      writeFileSync(file, "");
      const settings: Record<string, string | undefined> = { ...fitting, ...changes };
      const plain = Object.entries(settings).flatMap(([key, value]) =>
        value === undefined ? [] : ["--plaintext", `botgarden:${key}=${value}`],
      );
      await must(pulumi("config", "set-all", "--path", ...plain));
      await stack.secret("hello:token", `123456789:${"A".repeat(35)}`);
    },
    async secret(key, value) {
      await must(
        runProgram(garden.state.toolchain.cli, ["config", "set", "--secret", key, "--non-interactive"], {
          cwd: project,
          env,
          input: value,
        }),
      );
    },
    async resources() {
      const state: { deployment: { resources?: { type: string }[] } } = JSON.parse(
        await must(pulumi("stack", "export")),
      );
      return (state.deployment.resources ?? []).map(({ type }) => type);
    },
    async remove() {
      rmSync(project, { recursive: true, force: true });
      rmSync(backend, { recursive: true, force: true });
    },
  };
  await must(pulumi("stack", "init", name));
  await stack.set({});
  return stack;
}
