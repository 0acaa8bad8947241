/** What OpenSSH really says, and what the operator is told. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectionTo } from "../../../components/host/connection.ts";
import { explainSsh } from "../../../components/host/ssh-error.ts";
import { freePort, listenAnywhere } from "../support/ports.ts";
import { type Ended, endProcess, runProgram, unprivileged } from "../support/processes.ts";
import { findSshd, openToAll } from "../support/programs.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const folder = sharedFolder();
const label = "root@203.0.113.10";
let sshd: ChildProcess;
/** Of OpenSSH's server, which refuses every key. */
let port: number;
const servers: Server[] = [];

beforeAll(async () => {
  port = await freePort();
  const program = await openToAll(await findSshd(), folder);
  const key = join(folder, "host_key");
  for (const name of ["host_key", "other_key"]) {
    const made = await runProgram("ssh-keygen", [
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      "",
      "-f",
      join(folder, name),
    ]);
    expect(made.code, made.stderr).toBe(0);
  }
  const config = join(folder, "sshd_config");
  writeFileSync(config, [...serverSettings(program.path, key), ""].join("\n"));
  chmodSync(folder, 0o755);
  // Run by root it would want a user of its own.
  if (unprivileged !== undefined) chownSync(key, unprivileged, unprivileged);
  sshd = spawn(program.path, ["-D", "-e", "-f", config], {
    env: program.env,
    stdio: ["ignore", "ignore", "pipe"],
    ...(unprivileged === undefined ? {} : { uid: unprivileged, gid: unprivileged }),
  });
  await listening(sshd);
  // The first time it may have to download.
}, 180_000);

afterAll(async () => {
  for (const server of servers) server.close();
  await endProcess(sshd);
});

/** A server that lets nobody in. */
function serverSettings(program: string, key: string): string[] {
  // Since 9.8 it consists of several programs; those of an unpacked package lie beside it.
  const parts = ["Session", "Auth"].flatMap((part) => {
    const path = program.replace(/\/sbin\/sshd$/, `/lib/openssh/sshd-${part.toLowerCase()}`);
    return existsSync(path) ? [`Sshd${part}Path ${path}`] : [];
  });
  const access = ["AuthorizedKeysFile none", "PasswordAuthentication no", "UsePAM no"];
  return [`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${key}`, "PidFile none", ...access, ...parts];
}

/** Runs `true` on 127.0.0.1 as the garden does; `more` comes first, where ssh heeds it most. */
async function ssh(
  at: number,
  settings: { hostKey?: string; more?: string[]; address?: string } = {},
): Promise<Ended> {
  const { hostKey, more = [], address = "127.0.0.1" } = settings;
  const connection = connectionTo({ host: { kind: "ssh", user: "nobody", address, port: at }, hostKey });
  const [program = "", ...args] = connection.freshInterpreter;
  return runProgram(program, ["-F", "none", ...more, ...args, "true"]);
}

function publicKey(name: string): string {
  return readFileSync(join(folder, `${name}.pub`), "utf8").trim();
}

function explained({ code, stdout, stderr }: Ended) {
  return explainSsh({ code: code ?? 255, stdout, stderr }, label);
}

describe("a host that is there", () => {
  test("with the pinned key, but refusing the operator's", async () => {
    const ended = await ssh(port, { hostKey: publicKey("host_key") });
    expect(ended.stderr).toContain("Permission denied");
    const { message, mayPass } = explained(ended);
    expect(mayPass).toBe(false);
    expect(message).toContain(label);
    expect(message).toMatch(/key/);
    expect(message).toContain("authorized_keys");
    expect(message).toContain("Permission denied (publickey");
  });

  test("with another key than the pinned one", async () => {
    const ended = await ssh(port, { hostKey: publicKey("other_key") });
    expect(ended.code).toBe(255);
    const { message, mayPass } = explained(ended);
    expect(mayPass).toBe(false);
    expect(message).toMatch(/host key/);
    expect(message).toContain("pulumi config set");
    expect(message).not.toContain("authorized_keys");
  });

  test("with another key than known_hosts has", async () => {
    const known = join(folder, "known_hosts");
    writeFileSync(known, `[127.0.0.1]:${port} ${publicKey("other_key")}\n`);
    const ended = await ssh(port, { more: ["-o", `UserKnownHostsFile=${known}`] });
    expect(ended.stderr).toContain("REMOTE HOST IDENTIFICATION HAS CHANGED");
    const { message, mayPass } = explained(ended);
    expect(mayPass).toBe(false);
    expect(message).toMatch(/another host key/);
    expect(message).toContain("ssh-keygen -R");
  });

  test("that is not in known_hosts", async () => {
    const ended = await ssh(port, { more: ["-o", "UserKnownHostsFile=/dev/null"] });
    expect(ended.stderr).toContain("Host key verification failed");
    const { message, mayPass } = explained(ended);
    expect(mayPass).toBe(false);
    expect(message).toMatch(/host key .* not known/);
    expect(message).toContain("pulumi config set hostKey");
  });
});

describe("a host that is not there", () => {
  test("refuses connections", async () => {
    const ended = await ssh(await freePort());
    expect(ended.stderr).toContain("Connection refused");
    expectUnreachable(ended);
  });

  test("has no name", async () => {
    // RFC 6761: no name server knows a name below `invalid`.
    const ended = await ssh(22, { address: "no-such-host.invalid" });
    expect(ended.stderr).toContain("Could not resolve hostname");
    const { message, mayPass } = explained(ended);
    expect(mayPass).toBe(false);
    expect(message).toContain("pulumi config set host");
  });

  test("closes the connection at once", async () => {
    expectUnreachable(await ssh(await serve("close")));
  });

  test("takes the connection and says nothing", async () => {
    const ended = await ssh(await serve("silence"), { more: ["-o", "ConnectTimeout=1"] });
    expect(ended.stderr).toMatch(/timed out/);
    expectUnreachable(ended);
  });

  test("speaks something else than SSH and closes", async () => {
    const { message } = explained(await ssh(await serve("HTTP/1.1 400 Bad Request\r\n\r\n")));
    expect(message).toContain(label);
  });

  function expectUnreachable(ended: Ended): void {
    expect(ended.code).toBe(255);
    const { message, mayPass } = explained(ended);
    expect(mayPass).toBe(true);
    expect(message).toContain(`${label} cannot be reached`);
  }
});

// What ssh says where a test cannot bring it about; from its source and the kernel's texts.
test.for([
  ["ssh: connect to host 203.0.113.10 port 22: No route to host", true],
  ["ssh: connect to host 203.0.113.10 port 22: Network is unreachable", true],
  ["ssh: connect to host 203.0.113.10 port 22: Connection timed out", true],
  ["Connection reset by 203.0.113.10 port 22", true],
  ["kex_exchange_identification: read: Connection reset by peer", true],
  ["Connection to 203.0.113.10 closed by remote host.", true],
  ["Received disconnect from 203.0.113.10 port 22:2: Too many authentication failures", false],
] as const)("%s", ([said, mayPass]) => {
  const problem = explained({ code: 255, stdout: "", stderr: `${said}\n` });
  expect(problem.mayPass).toBe(mayPass);
  expect(problem.message).toContain(said);
  expect(problem.message).not.toMatch(/looking at .* failed/);
});

test("a machine without ssh is told what to install", () => {
  const { message } = explained({ code: 127, stdout: "", stderr: "spawn ssh ENOENT" });
  expect(message).toContain("openssh-client");
});

test("what nobody foresaw is quoted, and a silent end tells its code", () => {
  const unforeseen = explained({ code: 3, stdout: "", stderr: "first line\nsomething else broke\n\n" });
  expect(unforeseen).toEqual({ message: expect.stringContaining("something else broke"), mayPass: false });
  expect(explained({ code: 141, stdout: "", stderr: "" }).message).toContain("141");
});

test("an error of a command on the host is not taken for a refused key", async () => {
  // ssh itself ends with 255; any other code is the remote command's.
  const { message } = explained({ code: 126, stdout: "", stderr: "sh: 1: /opt/thing: Permission denied\n" });
  expect(message).not.toContain("refuses your SSH key");
});

async function listening(child: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`sshd ended with ${code}: ${said}`)));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("Server listening")) resolve();
    });
  });
}

async function serve(behaviour: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (behaviour === "close") socket.destroy();
    else if (behaviour !== "silence") socket.end(behaviour);
  });
  servers.push(server);
  return listenAnywhere(server);
}
