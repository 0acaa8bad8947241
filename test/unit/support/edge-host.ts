/**
 * A host's edge on this machine: edge.sh itself with its folders moved, and a container as the garden makes it, on a
 * network of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  globSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  commonFiles,
  type Route,
  renderEdge,
  renderRoute,
  renderSite,
} from "../../../components/edge/config.ts";
import { featuresOf } from "../../../components/edge/features.ts";
import { docker, dockerLines } from "../../../sandbox/engine/docker.ts";
import type { Certificate } from "../telegram/certificates.ts";
import { recordGarden } from "./garden.ts";
import { imageInEngine } from "./images.ts";
import { type Ended, runProgram } from "./processes.ts";
import { CONTAINER, find, plain } from "./recorder.ts";

const reference = "nginx:1.30.4";
const features = featuresOf(reference);

/** A name with its certificate, as edge.ts tells it to edge.sh. */
export interface SiteOrder {
  readonly name: string;
  readonly kind?: "domain" | "ip";
  /** The certificate's folder. */
  readonly certificate: string;
  readonly upload?: string | null;
}

export interface RunOptions {
  readonly input?: object;
  /** Variables of the script's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export class EdgeHost {
  readonly root: string;
  readonly tree: string;
  /** The image as the engine knows it. */
  readonly image: string;
  readonly container: string;
  private readonly label: string;

  private constructor(root: string, image: string) {
    const id = randomBytes(4).toString("hex");
    this.root = root;
    this.image = image;
    this.container = `botgarden-unit-${id}`;
    this.label = `botgarden.unit=${id}`;
    this.tree = join(root, "etc/edge");
    mkdirSync(join(root, "bin"));
    for (const [name, file] of [
      ["edge", "edge/edge.sh"],
      ["edge-tree", "edge/edge-tree.sh"],
      ["edge-site", "edge/edge-site.sh"],
      ["edge-routes", "edge/edge-routes.sh"],
      ["edge-pause", "edge/edge-pause.sh"],
      ["start-nginx", "edge/start-nginx.sh"],
      ["bot-records", "bot/records.sh"],
    ] as const) {
      const source = fileURLToPath(new URL(`../../../components/${file}`, import.meta.url));
      this.script(name, this.moved(readFileSync(source, "utf8")));
    }
    // What it would do is tested elsewhere; here it counts how it is called.
    this.script("certificate", `#!/bin/sh\necho "$*" >>'${root}/certificate.calls'\n`);
    // Stops where a test wants to kill: before the call of Docker that holds these words.
    mkdirSync(join(root, "path"));
    const wrapper = [
      "#!/bin/bash",
      'if [ -n "$STOP_AT" ] && [[ "$*" == *"$STOP_AT"* ]]; then',
      `    echo there >'${root}/stopped'`,
      "    sleep 600",
      "fi",
      "PATH=$" + "{PATH#*:}",
      'if [ -n "$LATE" ] && [[ "$*" == *"-s reload"* ]]; then',
      `    docker kill --signal STOP '${this.container}' >/dev/null`,
      `    (sleep 1; docker kill --signal CONT '${this.container}') >/dev/null 2>&1 </dev/null &`,
      "fi",
      'exec docker "$@"',
      "",
    ];
    writeFileSync(join(root, "path/docker"), wrapper.join("\n"), { mode: 0o755 });
  }

  static async open(root: string): Promise<EdgeHost> {
    const host = new EdgeHost(root, await imageInEngine(reference));
    await docker(["network", "create", "--label", host.label, host.container]);
    return host;
  }

  async close(): Promise<void> {
    const left = await dockerLines(["ps", "--all", "--quiet", "--filter", `label=${this.label}`]);
    if (left.length > 0) await docker(["rm", "--force", "--volumes", ...left]);
    await docker(["network", "rm", this.container]);
  }

  private script(name: string, text: string): void {
    writeFileSync(join(this.root, "bin", name), text);
    chmodSync(join(this.root, "bin", name), 0o755);
  }

  private moved(text: string): string {
    return text
      .replaceAll("/run/lock/botgarden-", `${this.root}/lock-`)
      .replaceAll("/etc/botgarden/", join(this.root, "etc/"))
      .replaceAll("/var/lib/botgarden/", join(this.root, "var/"))
      .replaceAll("botgarden-edge", this.container);
  }

  /** A call of the script. */
  edge(args: readonly string[], { input, env = {} }: RunOptions = {}): Promise<Ended> {
    return runProgram(join(this.root, "bin/edge"), args, {
      input: input === undefined ? "" : JSON.stringify(input),
      env: { ...process.env, ...env },
    });
  }

  /** The environment of a call after which nginx takes the signal to reload a second late, as on a busy machine. */
  get late(): Readonly<Record<string, string>> {
    return { LATE: "yes", PATH: `${join(this.root, "path")}:${process.env.PATH ?? ""}` };
  }

  /** A call that is stopped before its call of Docker that holds these words, and killed there with its children. */
  async killed(args: readonly string[], at: string, input: object = {}): Promise<void> {
    const env = { ...process.env, STOP_AT: at, PATH: `${join(this.root, "path")}:${process.env.PATH ?? ""}` };
    const child = spawn(join(this.root, "bin/edge"), args, {
      env,
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end(JSON.stringify(input));
    const marker = join(this.root, "stopped");
    while (globSync(marker).length === 0) {
      if (child.exitCode !== null) throw new Error(`edge ${args[0]} ended before ${at}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await killGroup(child);
    renameSync(marker, `${marker}.before`);
  }

  /** The input of `configure`. */
  configuration(order: SiteOrder, changes: Record<string, string> = {}): object {
    const { name, kind = "domain", certificate, upload = null } = order;
    const files = {
      "nginx.conf": renderEdge({ features, allowFrom: ["0.0.0.0/0"] }),
      ...commonFiles("off", "<p>the page</p>"),
      ...changes,
    };
    const site = renderSite({ kind, names: [name], certificate, httpsPort: 443, features });
    return { files, site: { ...site, name, kind, certificate, port: "443", upload }, container: "a1b2c3d4" };
  }

  configure(order: SiteOrder, changes?: Record<string, string>): Promise<Ended> {
    return this.edge(["configure", this.image], { input: this.configuration(order, changes) });
  }

  route(bot: string, secret: string | null, changes: Partial<Route> = {}): Promise<Ended> {
    return this.edge(["route", bot], { input: this.routeInput(bot, secret, changes) });
  }

  routeInput(bot: string, secret: string | null, changes: Partial<Route> = {}): object {
    const rateLimit = { perSecond: 300, burst: 600 };
    const webhook = { port: 8080, path: "/updates", maxConnections: 40, rateLimit };
    return {
      files: renderRoute({ bot, container: `${bot}-0a1b2c3`, webhook, pages: undefined, ...changes }),
      secret,
    };
  }

  /** Lets the host remember this container as the bot's last good release. */
  remember(bot: string, container: string): void {
    const folder = join(this.root, "var/releases", bot);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "1.json"), JSON.stringify({ container }));
  }

  /** Puts a certificate where the host has it, or exchanges it as a renewal does. */
  install(id: string, { cert, key }: Certificate): void {
    const folder = join(this.root, "etc/certificates", id);
    const version = `v-${randomBytes(3).toString("hex")}`;
    mkdirSync(join(folder, version), { recursive: true });
    writeFileSync(join(folder, version, "fullchain.pem"), cert);
    writeFileSync(join(folder, version, "privkey.pem"), key, { mode: 0o600 });
    symlinkSync(version, join(folder, "current.new"));
    renameSync(join(folder, "current.new"), join(folder, "current"));
  }

  /** Starts the container with all that the garden gives it, but for the public ports. */
  async start(): Promise<void> {
    const { resources } = await recordGarden({ definitions: {} });
    const given = plain(find(resources, CONTAINER, "edge").inputs) as ContainerInputs;
    const [entrypoint = "", ...command] = given.entrypoints;
    const options = [
      ...["--detach", "--name", this.container, "--label", this.label, "--network", this.container],
      ...[
        "--memory",
        `${given.memory}m`,
        "--memory-swap",
        `${given.memorySwap}m`,
        "--stop-signal",
        given.stopSignal,
      ],
      ...(given.readOnly ? ["--read-only"] : []),
      ...given.capabilities.drops.map((name) => `--cap-drop=${name}`),
      ...given.capabilities.adds.map((name) => `--cap-add=${name}`),
      ...given.securityOpts.map((option) => `--security-opt=${option}`),
      ...given.envs.map((env) => `--env=${env}`),
      ...Object.entries(given.tmpfs).map(([path, how]) => `--tmpfs=${path}:${how}`),
      ...given.volumes.map(
        ({ hostPath, containerPath }) => `--volume=${this.moved(hostPath)}:${containerPath}:ro`,
      ),
    ];
    await docker(["run", ...options, "--entrypoint", entrypoint, this.image, ...command]);
  }

  /** Starts something that answers a bot's updates with its name and the secret that it sees. Gives the container's id. */
  async startBot(bot: string): Promise<string> {
    const file = join(this.root, `${bot}.conf`);
    const answer = `${bot}:$http_x_telegram_bot_api_secret_token:`;
    writeFileSync(file, `events {}\nhttp { server { listen 8080; return 200 "${answer}"; } }\n`);
    const options = [
      "--detach",
      "--label",
      this.label,
      "--label",
      `botgarden.bot=${bot}`,
      "--network",
      this.container,
      "--network-alias",
      `${bot}-0a1b2c3`,
    ];
    const command = ["--volume", `${file}:/bot.conf:ro`, "--entrypoint", "nginx", this.image];
    return docker(["run", ...options, ...command, "-c", "/bot.conf", "-g", "daemon off;"]);
  }

  /** A container of a bot that was never started, as a release that came while it was held leaves it. */
  createBot(bot: string, script: string): Promise<string> {
    const labels = ["--label", this.label, "--label", `botgarden.bot=${bot}`];
    return docker(["create", "--init", ...labels, "--entrypoint", "sh", this.image, "-c", script]);
  }

  async address(): Promise<string> {
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    return docker(["inspect", "--format", format, this.container]);
  }

  /** The name of the present tree. */
  get current(): string {
    return readlinkSync(join(this.tree, "current"));
  }

  /** A file of the present tree. */
  read(file: string): string {
    return readFileSync(join(this.tree, "current", file), "utf8");
  }

  /** How the script `certificate` was called. */
  get calls(): string[] {
    const [file] = globSync(join(this.root, "certificate.calls"));
    return file === undefined ? [] : readFileSync(file, "utf8").trimEnd().split("\n");
  }
}

interface ContainerInputs {
  readonly entrypoints: readonly string[];
  readonly memory: number;
  readonly memorySwap: number;
  readonly stopSignal: string;
  readonly readOnly: boolean;
  readonly capabilities: { readonly drops: readonly string[]; readonly adds: readonly string[] };
  readonly securityOpts: readonly string[];
  readonly envs: readonly string[];
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly volumes: readonly { readonly hostPath: string; readonly containerPath: string }[];
}

async function killGroup(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await ended;
}
