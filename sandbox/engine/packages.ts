/** Installing what the sandbox needs of the operator's machine, where that can be done without asking. */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { UserError } from "../cli/user-error.ts";
import { run } from "./docker.ts";
import { withLock } from "./lock.ts";

/** A program and the package of Debian and Ubuntu that brings it. */
export interface Program {
  name: string;
  package: string;
}

/** True when a program of that name is on the PATH or in the folders for administrators. */
export function isInstalled(name: string): boolean {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, name)));
}

/** True when this process may install packages: root on Debian, Ubuntu or a child of theirs. */
export function canInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return false;
  const { ID = "", ID_LIKE = "" } = osRelease();
  return [ID, ...ID_LIKE.split(" ")].some((name) => name === "debian" || name === "ubuntu");
}

/** The fields of /etc/os-release; empty where there is none. */
export function osRelease(): Record<string, string> {
  if (!existsSync("/etc/os-release")) return {};
  const fields: Record<string, string> = {};
  for (const line of readFileSync("/etc/os-release", "utf8").split("\n")) {
    const [, name, value] = /^([A-Z_]+)="?([^"]*)"?$/.exec(line) ?? [];
    if (name !== undefined) fields[name] = value ?? "";
  }
  return fields;
}

/**
 * Installs those of the programs that are missing. Throws a UserError that names them where this process may
 * not install anything.
 */
export async function ensurePrograms(
  programs: readonly Program[],
  log: (line: string) => void,
): Promise<void> {
  const missing = programs.filter((program) => !isInstalled(program.name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => program.package))];
  if (!canInstall()) {
    throw new UserError(
      `this machine lacks ${missing.map((program) => program.name).join(", ")}. On Debian or Ubuntu, run ` +
        `"sudo apt-get install ${packages.join(" ")}" (as root it is installed by itself); elsewhere install the ` +
        "same programs, then try again.",
    );
  }
  await withLock("apt", log, async () => {
    log(`installing ${packages.join(", ")} on this machine (apt-get)`);
    const apt = ["-qq", "-o", "DPkg::Lock::Timeout=300"];
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" };
    await run("apt-get", [...apt, "update"], { env });
    await run("apt-get", [...apt, "install", "-y", "--no-install-recommends", ...packages], { env });
  });
}
