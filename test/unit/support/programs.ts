/**
 * Real programs for tests: what the machine has, else Debian's or Ubuntu's package, unpacked into the cache. Nothing is
 * installed and no service is started.
 */
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { ProgramError, run } from "../../../sandbox/engine/docker.ts";
import { withLock } from "../../../sandbox/engine/lock.ts";
import { cacheFolder } from "../../../sandbox/engine/paths.ts";

/** A program and the environment in which it finds its libraries. */
export interface Program {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

/** nginx, in whatever version the machine's packages have. */
export function findNginx(): Promise<Program> {
  return find("nginx", "nginx");
}

/** OpenSSH's server. */
export function findSshd(): Promise<Program> {
  return find("sshd", "openssh-server");
}

/** PostgreSQL's server; `initdb` and the rest lie beside it. */
export function findPostgres(): Promise<Program> {
  return find("postgres", "postgresql");
}

/** A client: the real program, not a script of a version manager that looks it up in its own folders. */
export async function findClient(name: "curl" | "wget" | "python3" | "node" | "jq"): Promise<Program> {
  if (name === "node") return { path: process.execPath, env: process.env };
  return find(name, name);
}

async function find(name: string, debianPackage: string): Promise<Program> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const installed = [
    ...folders.map((folder) => join(folder, name)),
    ...globSync(`/usr/lib/postgresql/*/bin/${name}`),
  ].find((path) => existsSync(path) && isBinary(path));
  if (installed !== undefined) return { path: realpathSync(installed), env: process.env };

  const folder = join(cacheFolder("test-programs"), debianPackage);
  if (!existsSync(folder)) {
    // One at a time: of two that fetch the package lists, one would fail.
    await withLock("apt", console.log, async () => {
      if (!existsSync(folder)) await unpack(debianPackage, folder);
    });
  }
  const [path] = globSync(`${folder}/usr/{sbin,bin,lib/postgresql/*/bin}/${name}`);
  if (path === undefined)
    throw new Error(`the package ${debianPackage} brought no ${name}: remove ${folder} and try again`);
  const libraries = globSync(`${folder}/usr/lib/*-linux-*`);
  return { path, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") } };
}

function isBinary(path: string): boolean {
  return readFileSync(path).subarray(1, 4).toString() === "ELF";
}

/**
 * The same program where the user nobody may run it: root's cache is closed to others.
 *
 * @param folder is filled if need be
 */
export async function openToAll(program: Program, folder: string): Promise<Program> {
  if (!program.path.startsWith(homedir())) return program;
  const root = program.path.replace(/\/usr\/.*$/, "");
  await run("cp", ["-a", `${root}/usr`, folder]);
  const moved = (text: string) => text.replaceAll(root, folder);
  const libraries = moved(program.env.LD_LIBRARY_PATH ?? "");
  return { path: moved(program.path), env: { ...program.env, LD_LIBRARY_PATH: libraries } };
}

/** Downloads a package with those of its dependencies that the machine lacks; complete or not there at all. */
async function unpack(debianPackage: string, folder: string): Promise<void> {
  const work = `${folder}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, "archives", "partial"), { recursive: true });
  console.log(`getting the package ${debianPackage} for the tests (apt-get download)`);
  const archives = join(work, "archives");
  const download = ["-qq", "-y", "-d", "--no-install-recommends", "-o", "Debug::NoLocking=1"];
  const get = () =>
    run("apt-get", [...download, "-o", `Dir::Cache::archives=${archives}`, "install", debianPackage]);
  try {
    await get().catch(async (error: unknown) => {
      if (process.getuid?.() !== 0) throw error;
      // A machine that was just made has no package lists.
      await run("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", "update"]);
      await get();
    });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    throw new Error(
      `these tests need ${debianPackage}, and it could not be downloaded. Install it (apt-get install ${debianPackage}), ` +
        `or let root run apt-get update, then try again. ${error.message}`,
    );
  }
  for (const file of readdirSync(archives).filter((name) => name.endsWith(".deb"))) {
    await run("dpkg-deb", ["-x", join(archives, file), work]);
  }
  rmSync(archives, { recursive: true });
  renameSync(work, folder);
}
