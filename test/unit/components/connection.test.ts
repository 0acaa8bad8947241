import { writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Connection, connectionTo } from "../../../components/host/connection.ts";
import { type HostSettings, parseHost } from "../../../settings/host.ts";
import { runProgram } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

function host(text: string): HostSettings {
  const parsed = parseHost(text);
  if (typeof parsed === "string") throw new Error(`${text} ${parsed}`);
  return parsed;
}

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q";

/** What ssh itself makes of the command line, without the operator's files. */
async function understood(interpreter: readonly string[]): Promise<Map<string, string>> {
  const [program = "", ...args] = interpreter;
  const { code, stdout, stderr } = await runProgram(program, ["-G", "-F", "none", ...args, "true"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return new Map(
    stdout.split("\n").map((line) => [line.split(" ", 1)[0] ?? "", line.replace(/^\S+ ?/, "")] as const),
  );
}

describe("the address", () => {
  test.for([
    { text: "203.0.113.10", docker: "ssh://root@203.0.113.10:22", label: "root@203.0.113.10", asRoot: "" },
    {
      text: "root@203.0.113.10:2222",
      docker: "ssh://root@203.0.113.10:2222",
      label: "root@203.0.113.10:2222",
      asRoot: "",
    },
    {
      text: "deploy@vps.example.com",
      docker: "ssh://deploy@vps.example.com:22",
      label: "deploy@vps.example.com",
      asRoot: "sudo -n ",
    },
    {
      text: "deploy@[2001:db8::1]",
      docker: "ssh://deploy@[2001:db8::1]:22",
      label: "deploy@[2001:db8::1]",
      asRoot: "sudo -n ",
    },
    {
      text: "[2001:db8::1]:2222",
      docker: "ssh://root@[2001:db8::1]:2222",
      label: "root@[2001:db8::1]:2222",
      asRoot: "",
    },
    { text: "my_alias", docker: "ssh://root@my_alias:22", label: "root@my_alias", asRoot: "" },
  ])("$text", async ({ text, docker, label, asRoot }) => {
    const settings = host(text);
    const connection = connectionTo({ host: settings });
    expect(connection).toMatchObject({ dockerHost: docker, label, asRoot });
    if (settings.kind !== "ssh") throw new Error("not over ssh");
    expect(connection.user).toBe(settings.user);
    // The Docker plugin takes the URL apart with a URL parser.
    const url = new URL(connection.dockerHost);
    expect(url.hostname.replace(/^\[(.*)\]$/, "$1")).toBe(settings.address);
    for (const interpreter of [connection.interpreter, connection.freshInterpreter]) {
      const options = await understood(interpreter);
      expect(options.get("user")).toBe(settings.user);
      expect(options.get("hostname")).toBe(settings.address);
      expect(options.get("port")).toBe(String(settings.port));
    }
  });
});

test("no connection ever asks a question, trusts an unknown key or hangs on a dead host", async () => {
  const connection = connectionTo({ host: host("deploy@203.0.113.10") });
  for (const interpreter of [connection.interpreter, connection.freshInterpreter, forDocker(connection)]) {
    const options = await understood(interpreter);
    expect(options.get("batchmode")).toBe("yes");
    expect(options.get("stricthostkeychecking")).toBe("true");
    expect(Number(options.get("connecttimeout"))).toBeGreaterThan(0);
    expect(Number(options.get("serveraliveinterval"))).toBeGreaterThan(0);
  }
});

test("commands and the Docker plugin share one connection", async () => {
  const connection = connectionTo({ host: host("deploy@203.0.113.10:2222") });
  const commands = await understood(connection.interpreter);
  const plugin = await understood(forDocker(connection));
  expect(commands.get("controlmaster")).toBe("auto");
  expect(commands.get("controlpath")).toMatch(/botgarden-[0-9a-f]{40}$/);
  expect(plugin.get("controlpath")).toBe(commands.get("controlpath"));
});

test("what may put the login into the group docker does not open the shared connection", async () => {
  const other = await understood(connectionTo({ host: host("deploy@203.0.113.10") }).freshInterpreter);
  expect(other.get("controlmaster")).toBe("false");
  expect(other.has("controlpath")).toBe(false);
  // root needs no group.
  const root = connectionTo({ host: host("root@203.0.113.10") });
  expect(root.freshInterpreter).toEqual(root.interpreter);
});

test("a pinned key is the only one that counts", async () => {
  const connection = connectionTo({ host: host("203.0.113.10"), hostKey: key });
  for (const interpreter of [connection.interpreter, connection.freshInterpreter, forDocker(connection)]) {
    const options = await understood(interpreter);
    expect(options.get("userknownhostsfile")).toBe("/dev/null");
    expect(options.get("globalknownhostsfile")).toBe("/dev/null");
    expect(options.get("knownhostscommand")).toBe(`/bin/echo %H ${key}`);
    expect(options.get("hostkeyalgorithms")).toBe("ssh-ed25519");
  }
});

test("an RSA key is asked for with the signatures that are still allowed", async () => {
  const connection = connectionTo({ host: host("203.0.113.10"), hostKey: `ssh-rsa ${"AAAA".repeat(20)}` });
  const options = await understood(connection.interpreter);
  expect(options.get("hostkeyalgorithms")).toBe("rsa-sha2-512,rsa-sha2-256");
});

test("without a pinned key the operator's known_hosts decides", async () => {
  const options = await understood(connectionTo({ host: host("203.0.113.10") }).interpreter);
  expect(options.get("userknownhostsfile")).toContain("known_hosts");
  expect(options.has("knownhostscommand")).toBe(false);
});

test("a key file is offered alone, and only if one is set", async () => {
  const file = join(temporaryFolder(), "my key");
  writeFileSync(file, "");
  for (const interpreter of [
    connectionTo({ host: host("203.0.113.10"), identityFile: file }).interpreter,
    forDocker(connectionTo({ host: host("203.0.113.10"), identityFile: file })),
  ]) {
    const options = await understood(interpreter);
    expect(options.get("identityfile")).toBe(file);
    expect(options.get("identitiesonly")).toBe("yes");
  }
  const without = await understood(connectionTo({ host: host("203.0.113.10") }).interpreter);
  expect(without.get("identitiesonly")).toBe("no");
});

test("a command line goes to the host as one argument", () => {
  // What the interpreter is given last is what ssh hands to the login's shell.
  const { interpreter } = connectionTo({ host: host("203.0.113.10") });
  expect(interpreter.at(-2)).toBe("--");
  expect(interpreter.at(-1)).toBe("203.0.113.10");
  expect(interpreter).toContain("-T");
});

test("local is this machine's own engine and shell", async () => {
  const connection = connectionTo({ host: { kind: "local" } });
  expect(connection).toMatchObject({ dockerHost: "unix:///var/run/docker.sock", sshOptions: [], asRoot: "" });
  const [program = "", ...args] = connection.interpreter;
  const { stdout } = await runProgram(program, [...args, "echo $((6 * 7))"]);
  expect(stdout).toBe("42\n");
  expect(connection.freshInterpreter).toEqual(connection.interpreter);
});

test("nothing of the operator's machine goes into the stack's state", () => {
  const settings = { host: host("deploy@203.0.113.10"), hostKey: key, identityFile: "~/.ssh/id_ed25519" };
  const here = connectionTo(settings);
  const before = { ...process.env };
  const folder = process.cwd();
  try {
    Object.assign(process.env, {
      HOME: "/elsewhere",
      USER: "somebody",
      LOGNAME: "somebody",
      HOSTNAME: "elsewhere",
    });
    process.chdir("/");
    expect(connectionTo(settings)).toEqual(here);
  } finally {
    process.chdir(folder);
    process.env = before;
  }
  const text = JSON.stringify(here);
  for (const own of [homedir(), hostname(), process.cwd()]) expect(text).not.toContain(own);
});

/** The command line that the Docker plugin makes of its `sshOpts`: docker/cli, connhelper. */
function forDocker(connection: Connection): string[] {
  const url = new URL(connection.dockerHost);
  const address = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return ["ssh", ...connection.sshOptions, "-l", url.username, "-p", url.port || "22", "--", address];
}
