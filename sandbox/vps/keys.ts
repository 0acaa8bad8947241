/** Key pairs of the sandbox, made by ssh-keygen. */
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../engine/docker.ts";
import { sandboxFolder } from "../engine/paths.ts";

/** A key pair on disk. */
export interface KeyPair {
  /** The file with the private key. */
  path: string;
  /** "ssh-ed25519 AAAA…", without a comment. */
  publicKey: string;
}

/** Makes an ed25519 key pair without a passphrase; an existing one at that path is replaced. */
export async function makeKeyPair(path: string, comment: string): Promise<KeyPair> {
  await rm(path, { force: true });
  await rm(`${path}.pub`, { force: true });
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
  return readKeyPair(path);
}

/** The operator's key of a sandbox; made at the first call. */
export async function operatorKey(sandboxId: string): Promise<KeyPair> {
  const path = join(sandboxFolder(sandboxId), "id_ed25519");
  return existsSync(`${path}.pub`) ? readKeyPair(path) : makeKeyPair(path, `botgarden-${sandboxId}`);
}

async function readKeyPair(path: string): Promise<KeyPair> {
  const [type = "", key = ""] = (await readFile(`${path}.pub`, "utf8")).split(" ");
  return { path, publicKey: `${type} ${key}`.trim() };
}
