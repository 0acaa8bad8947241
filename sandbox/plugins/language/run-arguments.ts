import { createRequire } from "node:module";
import { join } from "node:path";

/** What the engine asks for in `LanguageRuntime/Run`, without the wire format. */
export interface ProgramRequest {
  /** Address of the engine's resource monitor, `host:port`. */
  readonly monitorAddress: string;
  /** Address of the engine's own service, `host:port`. */
  readonly engineAddress: string;
  readonly organization: string;
  readonly project: string;
  readonly stack: string;
  readonly rootDirectory: string;
  readonly programDirectory: string;
  /** Relative to the program's folder; `.` when Pulumi.yaml has no `main`. */
  readonly entryPoint: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  /** Arguments for the program itself. */
  readonly args: readonly string[];
  /** Settings in the form `namespace:name`, secrets in the clear. */
  readonly config: ReadonlyMap<string, string>;
  /** Which of them are secrets, in the form `namespace:name`. */
  readonly configSecretKeys: readonly string[];
  /** Arguments for Node. */
  readonly nodeArgs: readonly string[];
}

/**
 * Finds the SDK's launcher as the program itself would.
 *
 * The official host asks a Node process; resolving here gives the same file without one more process.
 *
 * @throws Error with the official host's words when the SDK is not installed.
 */
export function locateLauncher(programDirectory: string): string {
  try {
    return createRequire(join(programDirectory, "package.json")).resolve("@pulumi/pulumi/cmd/run");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") {
      throw new Error("It looks like the Pulumi SDK has not been installed. Have you run pulumi install?");
    }
    throw error;
  }
}

/**
 * Node's command line for a program, in the official host's order (`pulumi-language-nodejs`,
 * `constructArguments`), empty values left out.
 *
 * `--sync` is not given and the monitor is the engine's own: the official host's proxy and pipes serve only the
 * synchronous invokes of SDKs from before 2020.
 */
export function nodeArguments(request: ProgramRequest, launcher: string): string[] {
  const flags: readonly (readonly [string, string])[] = [
    ["monitor", request.monitorAddress],
    ["engine", request.engineAddress],
    ["organization", request.organization],
    ["project", request.project],
    ["root-directory", request.rootDirectory],
    ["stack", request.stack],
    ["pwd", request.programDirectory],
  ];
  return [
    ...request.nodeArgs,
    launcher,
    ...flags.filter(([, value]) => value !== "").flatMap(([name, value]) => [`--${name}`, value]),
    ...(request.dryRun ? ["--dry-run"] : []),
    "--parallel",
    String(request.parallel),
    request.entryPoint,
    ...request.args,
  ];
}

/**
 * The settings as the SDK expects them in its environment: `PULUMI_CONFIG`, a JSON object with keys of the form
 * `namespace:config:name`, and `PULUMI_CONFIG_SECRET_KEYS`, a JSON list of `namespace:name`.
 *
 * @throws Error naming a key that has another form than `namespace:name` or `namespace:config:name`.
 */
export function settingsEnvironment(
  request: Pick<ProgramRequest, "config" | "configSecretKeys">,
): Record<string, string> {
  const config: Record<string, string> = {};
  for (const [key, value] of request.config) {
    const parts = key.split(":");
    const name = parts.length === 3 && parts[1] === "config" ? parts[2] : parts[1];
    if (parts.length < 2 || parts.length > 3 || (parts.length === 3 && parts[1] !== "config")) {
      throw new Error(
        `could not parse ${key} as a configuration key ` +
          "(configuration keys should be of the form `<namespace>:<name>`)",
      );
    }
    config[`${parts[0] ?? ""}:config:${name ?? ""}`] = value;
  }
  return {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.configSecretKeys),
  };
}
