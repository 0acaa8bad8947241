import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { prepareToolchain } from "../../../sandbox/toolchain/index.ts";
import { toolchainPaths } from "../../../sandbox/toolchain/paths.ts";
import { temporaryFolder, writeFiles } from "./temporary-folder.ts";

const realCheckout = resolve(import.meta.dirname, "../../..");

/** Nothing listens on this address. */
const NO_VENDOR = "http://127.0.0.1:9/releases/sdk";

/** A machine of its own: home, cache, checkout and a PATH with a folder for made-up programs. */
function machine() {
  const folder = temporaryFolder();
  const checkout = join(folder, "checkout");
  writeFiles(
    checkout,
    Object.fromEntries(
      ["language", "docker", "command", "random", "tls"].map((name) => [
        `sandbox/plugins/${name}/main.ts`,
        "",
      ]),
    ),
  );
  symlinkSync(join(realCheckout, "node_modules"), join(checkout, "node_modules"));
  symlinkSync(join(realCheckout, "sandbox/toolchain"), join(checkout, "sandbox/toolchain"));
  const bin = join(folder, "bin");
  const calls = join(folder, "calls");
  const environment: NodeJS.ProcessEnv = {
    HOME: folder,
    PATH: `${bin}:/usr/bin:/bin`,
    XDG_CACHE_HOME: join(folder, "cache"),
  };
  const lines: string[] = [];
  return {
    folder,
    checkout,
    bin,
    lines,
    environment,
    paths: toolchainPaths(environment, checkout),
    /** How often the made-up programs have been started. */
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").split("\n").filter(Boolean) : []),
    program: (name: string, body: string) =>
      writeFiles(bin, { [name]: `#!/bin/sh\necho "${name} $*" >>"${calls}"\n${body}\n` }, 0o755),
    prepare: (extra: NodeJS.ProcessEnv = {}, vendor = NO_VENDOR) =>
      prepareToolchain({
        log: (line) => lines.push(line),
        environment: { ...environment, ...extra },
        paths: toolchainPaths(environment, checkout),
        vendor,
      }),
  };
}

/** A compiler that takes no time: its result is a script that prints the version it was given. */
const FAKE_GO = `
case $1 in
env) echo go1.26.0 ;;
build)
	while [ "$1" != -o ]; do
		case $1 in *Version=*) version=\${1##*Version=} ;; esac
		shift
	done
	printf '#!/bin/sh\\necho %s\\n' "$version" >"$2"
	chmod +x "$2"
	;;
esac`;

function withPlugins(home: string): void {
  const plugins = ["docker-v5.2.0", "command-v1.2.1", "random-v4.21.2", "tls-v5.6.1"];
  writeFiles(home, Object.fromEntries(plugins.map((name) => [`plugins/resource-${name}/x`, ""])));
}

test("a pulumi on PATH with its plugins is taken, with the user's own home", async () => {
  const { folder, bin, program, prepare, lines } = machine();
  program("pulumi", "echo v3.260.1");
  program("pulumi-language-nodejs", "");
  withPlugins(join(folder, ".pulumi"));
  expect(await prepare()).toMatchObject({
    source: "path",
    cli: join(bin, "pulumi"),
    cliVersion: "3.260.1",
    plugins: "official",
    env: { PULUMI_HOME: join(folder, ".pulumi"), PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  expect(lines).toEqual([`Pulumi CLI 3.260.1 with official plugins: ${join(bin, "pulumi")} is on PATH`]);
});

test.each([
  ["3.258.9", /is 3\.258\.9, and 3\.259\.0 or a newer 3\.x is needed/],
  ["4.0.0", /is 4\.0\.0, and/],
  ["nonsense", /is nonsense, and/],
])("a pulumi %s on PATH is not taken", async (version, reason) => {
  const { program, prepare } = machine();
  program("pulumi", `echo v${version}`);
  program("pulumi-language-nodejs", "");
  await expect(prepare({ BOTGARDEN_TOOLCHAIN: "path" })).rejects.toThrow(reason);
});

test("a pulumi on PATH without language host, or without plugins while the vendor is away, is not taken", async () => {
  const { program, prepare } = machine();
  program("pulumi", "echo v3.259.0");
  await expect(prepare({ BOTGARDEN_TOOLCHAIN: "path" })).rejects.toThrow(/has no pulumi-language-nodejs/);
  program("pulumi-language-nodejs", "");
  await expect(prepare({ BOTGARDEN_TOOLCHAIN: "path" })).rejects.toThrow(
    /lacks the plugins docker 5\.2\.0, command 1\.2\.1, random 4\.21\.2, tls 5\.6\.1, and get\.pulumi\.com can't/,
  );
});

test("without CLI and vendor one is built, with stand-ins in a home of this checkout", async () => {
  const { checkout, folder, paths, program, prepare, lines } = machine();
  program("go", FAKE_GO);
  const toolchain = await prepare();
  expect(toolchain).toMatchObject({
    source: "build",
    cliVersion: "3.259.0",
    plugins: "stand-in",
    env: { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true", PULUMI_IGNORE_AMBIENT_PLUGINS: "true" },
  });
  expect(toolchain.why).toMatch(
    /^built from its Go module \(there is no pulumi on PATH; .* can't be reached/,
  );
  expect(lines.at(-1)).toBe(`Pulumi CLI 3.259.0 with stand-in plugins: ${toolchain.why}`);
  expect(execFileSync(toolchain.cli, ["version"], { encoding: "utf8" })).toBe("v3.259.0\n");

  const home = toolchain.env.PULUMI_HOME ?? "";
  const launcher = join(checkout, "sandbox/toolchain/launch-plugin.sh");
  const folders = ["command-v1.2.1", "docker-v5.2.0", "random-v4.21.2", "tls-v5.6.1"];
  expect(readdirSync(join(home, "plugins")).sort()).toEqual(folders.map((name) => `resource-${name}`));
  for (const name of folders) {
    const plugin = `resource-${name}/pulumi-resource-${name.split("-")[0]}`;
    expect(readlinkSync(join(home, "plugins", plugin))).toBe(launcher);
  }
  expect(readlinkSync(join(toolchain.cli, "../pulumi-language-nodejs"))).toBe(launcher);
  expect(toolchain.pathEntries).toEqual([join(paths.own, "bin"), join(checkout, "node_modules/.bin")]);
  expect(existsSync(join(folder, ".pulumi"))).toBe(false);
});

test("the choice is remembered: a second call starts no process, also from inside the sandbox's shell", async () => {
  const { program, prepare, calls, paths, environment } = machine();
  program("go", FAKE_GO);
  // Whoever chooses anew must ask this one for its version.
  program("pulumi", "echo v3.1.0");
  const first = await prepare();
  const started = calls().length;
  const shell = { ...first.env, PATH: [...first.pathEntries, environment.PATH].join(":") };
  expect(await prepare()).toEqual(first);
  expect(await prepare(shell)).toEqual(first);
  expect(calls()).toHaveLength(started);

  // What the choice depends on has changed: a CLI of the user's own.
  program("pulumi", "echo v3.259.0");
  program("pulumi-language-nodejs", "");
  withPlugins(join(paths.cache, "../../.pulumi"));
  expect(await prepare()).toMatchObject({ source: "path" });
});

test("two calls at once build once; a build that fails or is cut off leaves nothing to use", async () => {
  const { program, prepare, calls, paths } = machine();
  program(
    "go",
    `[ "$1" = env ] && echo go1.26.0 && exit; while [ "$1" != -o ]; do shift; done; echo half >"$2"; kill -9 $PPID`,
  );
  await expect(prepare()).rejects.toThrow(/could not be built from its Go module/);
  const folder = join(paths.clis, "built-v3.259.0");
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^pulumi\.partial\./)]);

  program("go", FAKE_GO);
  const before = calls().filter((call) => call.startsWith("go build")).length;
  await Promise.all([prepare(), prepare()]);
  expect(calls().filter((call) => call.startsWith("go build"))).toHaveLength(before + 1);
  expect(readdirSync(folder)).toEqual(["pulumi"]);
});

test("a build whose version is another is refused", async () => {
  const { program, prepare } = machine();
  program("go", FAKE_GO.replace('"$version" >', "v3.0.0 >"));
  await expect(prepare()).rejects.toThrow(/calls itself v3\.0\.0 instead of v3\.259\.0/);
});

test("no or too old a Go: one message with every way that was tried and what to install", async () => {
  const { program, prepare } = machine();
  program("go", "echo go1.19.8");
  await expect(prepare()).rejects.toThrow(
    /^No Pulumi CLI: there is no pulumi on PATH; .* can't be reached .*; the Pulumi CLI can't be built, because .*go is go1\.19\.8: install Go 1\.21 or newer .*apt-get install golang-go/,
  );
});

test("a wrong BOTGARDEN_TOOLCHAIN names the right ones", async () => {
  await expect(machine().prepare({ BOTGARDEN_TOOLCHAIN: "binary" })).rejects.toThrow(
    'BOTGARDEN_TOOLCHAIN is "binary"; it can be path, download, build, or not set at all',
  );
});

/** A vendor that serves one archive with a made-up CLI, and the given list of sums. */
async function vendorOf(cli: string, sums: (archive: Buffer) => string): Promise<string> {
  const folder = temporaryFolder();
  writeFiles(join(folder, "pulumi"), { pulumi: cli, "pulumi-language-nodejs": "#!/bin/sh\n" }, 0o755);
  execFileSync("tar", ["-czf", "archive", "pulumi"], { cwd: folder });
  const archive = readFileSync(join(folder, "archive"));
  const files = new Map<string, string | Buffer>([
    ["/pulumi-3.259.0-checksums.txt", sums(archive)],
    [`/pulumi-v3.259.0-${process.platform}-${process.arch}.tar.gz`, archive],
  ]);
  const server = createServer((request, response) => {
    const body = files.get(request.url ?? "");
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

const sumLine = (archive: Buffer): string =>
  `${createHash("sha256").update(archive).digest("hex")}  pulumi-v3.259.0-${process.platform}-${process.arch}.tar.gz\n`;

test("the official download is checked, unpacked and gets its plugins", async () => {
  const { prepare, paths, folder } = machine();
  const vendor = await vendorOf('#!/bin/sh\necho "$PULUMI_HOME $*" >>"$HOME/installed"\n', sumLine);
  const toolchain = await prepare({}, vendor);
  const home = join(paths.cache, "pulumi-home");
  expect(toolchain).toMatchObject({
    source: "download",
    plugins: "official",
    cli: join(paths.clis, "official-v3.259.0/pulumi"),
    env: { PULUMI_HOME: home },
    why: "the official download (there is no pulumi on PATH)",
  });
  expect(statSync(toolchain.cli).mode & 0o111).not.toBe(0);
  expect(readFileSync(join(folder, "installed"), "utf8").trim().split("\n")).toEqual(
    ["docker 5.2.0", "command 1.2.1", "random 4.21.2", "tls 5.6.1"].map(
      (plugin) => `${home} plugin install resource ${plugin}`,
    ),
  );
  expect(readdirSync(paths.clis)).toEqual(["official-v3.259.0"]);
});

test.each([
  [
    "has another sum than published",
    () => sumLine(Buffer.from("x")),
    /has the SHA-256 \w{64} instead of the published/,
  ],
  ["has no published sum", () => "", /publishes no checksum for pulumi-v3\.259\.0/],
])("a download that %s is never unpacked", async (_, sums, message) => {
  const { prepare, paths } = machine();
  const vendor = await vendorOf("#!/bin/sh\n", sums);
  await expect(prepare({ BOTGARDEN_TOOLCHAIN: "download" }, vendor)).rejects.toThrow(message);
  expect(existsSync(paths.clis) ? readdirSync(paths.clis) : []).toEqual([]);
});

test("where the CLI comes but its plugins don't, it is built with stand-ins", async () => {
  const { prepare, program } = machine();
  program("go", FAKE_GO);
  const vendor = await vendorOf("#!/bin/sh\necho no such plugin >&2; exit 1\n", sumLine);
  const toolchain = await prepare({}, vendor);
  expect(toolchain.source).toBe("build");
  expect(toolchain.why).toMatch(/the plugin docker 5\.2\.0 could not be installed: no such plugin/);
});
