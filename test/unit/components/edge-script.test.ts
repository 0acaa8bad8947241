/** edge.sh on a real Docker engine with a real nginx. */
import { once } from "node:events";
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker } from "../../../sandbox/engine/docker.ts";
import { EdgeHost } from "../support/edge-host.ts";
import { runProgram } from "../support/processes.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import { type Answer, ask } from "../support/web.ts";
import { makeCertificate } from "../telegram/certificates.ts";

const root = sharedFolder();
const name = "bots.example.com";
const site = { name, certificate: "0a1b2c3d" };
const quiet = { code: 0, stdout: "", stderr: "" };
let host: EdgeHost;

beforeAll(async () => {
  host = await EdgeHost.open(root);
  host.install(site.certificate, makeCertificate({ cn: name }));
  // The first time it may have to make images.
}, 900_000);
afterAll(() => host.close());

/** Everything in a folder with its text, mode and time. */
function stateOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  return Object.fromEntries(
    files.map((file) => {
      const { mode, mtimeMs } = statSync(join(folder, file));
      const isFile = statSync(join(folder, file)).isFile();
      return [
        file,
        `${mode.toString(8)} ${mtimeMs} ${isFile ? readFileSync(join(folder, file), "utf8") : ""}`,
      ];
    }),
  );
}

const trees = () => globSync(join(host.tree, "tree-*")).length;
const mode = (file: string) => (statSync(join(host.tree, "current", file)).mode & 0o777).toString(8);

describe("before there is a container", () => {
  test("configure writes the tree, whatever the host's umask", async () => {
    const script = `umask 077; exec '${join(root, "bin/edge")}' configure '${host.image}'`;
    const input = JSON.stringify(host.configuration(site));
    expect(await runProgram("bash", ["-c", script], { input })).toEqual(quiet);
    expect(trees()).toBe(1);
    expect(host.read("site.conf")).toContain(name);
    expect(host.read("html/index.html")).toBe("<p>the page</p>\n");
    for (const file of ["nginx.conf", "site.conf", "default.conf", "groups.conf", "html/index.html"]) {
      expect(mode(file), file).toBe("644");
    }
    for (const folder of [".", "html", "routes"]) expect(mode(folder), folder).toBe("755");
    expect(mode("secrets")).toBe("700");
    expect((statSync(join(root, "var/acme-challenges")).mode & 0o777).toString(8)).toBe("755");
  });

  test("configure again changes nothing", async () => {
    const before = { link: host.current, state: stateOf(host.tree) };
    expect(await host.configure(site)).toEqual(quiet);
    const written = ["start-nginx", "image", "container"];
    const kept = (state: object) => Object.entries(state).filter(([file]) => !written.includes(file));
    expect(host.current).toBe(before.link);
    expect(kept(stateOf(host.tree))).toEqual(kept(before.state));
  });

  test("a route is written, with its secret for root alone", async () => {
    expect(await host.route("hello", "First_secret-1")).toEqual(quiet);
    expect(mode("routes/hello.guard")).toBe("600");
    expect(mode("secrets/hello")).toBe("600");
    expect(mode("routes/hello.resolve.location.conf")).toBe("644");
    expect(host.read("secrets/hello")).toBe("First_secret-1\n");
  });

  test("what nginx refuses is thrown away, with nginx's reason", async () => {
    const before = { link: host.current, state: stateOf(join(host.tree, "current/")) };
    const refused = await host.configure(site, { "people.conf": "add_headr x y;" });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/add_headr[\s\S]*botgarden: nginx refuses the edge's configuration/);
    expect(host.current).toBe(before.link);
    expect(stateOf(join(host.tree, "current/"))).toEqual(before.state);
    expect(trees()).toBe(1);
  });
});

describe("beside a running container", () => {
  let address: string;
  beforeAll(async () => {
    for (const bot of ["hello", "shop"]) await host.startBot(bot);
    await host.start();
    expect(await host.edge(["settle"])).toMatchObject({ code: 0 });
    address = await host.address();
  }, 300_000);

  function post(bot: string, secret: string): Promise<Answer> {
    const headers = { "x-telegram-bot-api-secret-token": secret };
    return ask({ address, port: 443, path: `/webhook/${bot}`, method: "POST", headers });
  }

  /** Asks until the edge's new workers answer: a reload needs a moment. */
  async function until(question: () => Promise<Answer>, wanted: Partial<Answer>): Promise<void> {
    await expect.poll(question, { timeout: 60_000, interval: 50 }).toMatchObject(wanted);
  }

  test("settle leaves it running and limits its processes", async () => {
    expect(await docker(["inspect", "--format", "{{.HostConfig.PidsLimit}}", host.container])).toBe("128");
    // The bot's name is looked up when nginx begins, beside the first requests.
    await until(() => post("hello", "First_secret-1"), { status: 200, body: "hello:First_secret-1:" });
    expect(await ask({ address, port: 443, path: "/", method: "GET" })).toMatchObject({
      body: "<p>the page</p>\n",
    });
  });

  test("its health check passes, and nothing of it runs as root but the master and the watcher", async () => {
    const check =
      "curl -fsS -o /dev/null http://127.0.0.1:8080/healthz || wget -qO /dev/null http://127.0.0.1:8080/healthz";
    await docker(["exec", host.container, "/bin/sh", "-c", check]);
    const users = await docker(["top", host.container, "-eo", "pid,user,args"]);
    for (const line of users.split("\n").filter((text) => text.includes("worker process ")))
      expect(line).not.toMatch(/^\s*\d+\s+root/);
    expect(users).toMatch(/worker process/);
  });

  test("nothing without rights in the container reads a secret or a key", async () => {
    const look =
      "cat /etc/nginx/garden/current/secrets/* /etc/nginx/garden/current/routes/*.guard /etc/nginx/certificates/*/current/privkey.pem";
    const program = ["exec", "--user", "65534:65534", host.container, "/bin/sh", "-c"];
    const ended = await runProgram("docker", [
      ...program,
      `${look}; nginx -T -c /etc/nginx/garden/current/nginx.conf`,
    ]);
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).not.toMatch(/First_secret|PRIVATE/);
    expect(ended.stderr).toMatch(/Permission denied/);
  });

  test("a new secret and the former one are good until Telegram uses the new one", async () => {
    expect(await host.route("hello", "Second_secret-2")).toEqual(quiet);
    await until(() => post("hello", "Second_secret-2"), { status: 200, body: "hello:Second_secret-2:" });
    await until(() => post("hello", "First_secret-1"), { status: 200, body: "hello:Second_secret-2:" });
    expect((await post("hello", "first_secret-1")).status).toBe(403);
    expect(mode("routes/hello.guard")).toBe("600");

    // A release in between, and a secret that never came to be used.
    expect(await host.route("hello", "Second_secret-2")).toEqual(quiet);
    expect(await host.route("hello", "Third_secret-3")).toEqual(quiet);
    await until(() => post("hello", "Third_secret-3"), { status: 200 });
    for (const secret of ["First_secret-1", "Second_secret-2"]) {
      await until(() => post("hello", secret), { status: 200, body: "hello:Third_secret-3:" });
    }

    expect(await host.edge(["confirm", "hello"])).toEqual(quiet);
    // A worker of the former configuration may take a connection after one of the new one took another.
    for (const secret of ["First_secret-1", "Second_secret-2"]) {
      await until(() => post("hello", secret), { status: 403 });
    }
    await until(() => post("hello", "Third_secret-3"), { status: 200, body: "hello:Third_secret-3:" });
    expect(host.read("secrets/hello")).toBe("Third_secret-3\n");
  });

  test("no program gets a secret as an argument", async () => {
    const seen = join(root, "arguments");
    mkdirSync(seen);
    const calls = join(seen, "calls");
    // The program that looks for lines: what bash does itself is no process.
    const text = `#!/bin/sh\necho "$*" >>'${calls}'\nPATH=\${PATH#*:}\nexec grep "$@"\n`;
    writeFileSync(join(seen, "grep"), text, { mode: 0o755 });
    const env = { PATH: `${seen}:${process.env.PATH ?? ""}` };
    for (const secret of ["Secret-Argued-1", "Secret-Argued-2"]) {
      expect(await host.edge(["route", "argued"], { input: host.routeInput("argued", secret), env })).toEqual(
        quiet,
      );
    }
    expect(host.read("secrets/argued")).toBe("Secret-Argued-2\nSecret-Argued-1\n");
    const given = readFileSync(calls, "utf8");
    expect(given).toContain("secrets/argued");
    expect(given).not.toContain("Secret-Argued");
    expect(await host.edge(["withdraw", "argued"])).toEqual(quiet);
  });

  test("going back to a former secret before Telegram used the new one keeps both", async () => {
    for (const secret of ["Fourth-4", "Third_secret-3"])
      expect(await host.route("hello", secret)).toEqual(quiet);
    await until(() => post("hello", "Fourth-4"), { status: 200, body: "hello:Third_secret-3:" });
    expect(await post("hello", "Third_secret-3")).toMatchObject({ status: 200 });
    expect(await host.edge(["confirm", "hello"])).toEqual(quiet);
    await until(() => post("hello", "Fourth-4"), { status: 403 });
  });

  test("the same route and confirmation again change nothing", async () => {
    const before = { link: host.current, state: stateOf(host.tree) };
    for (const again of [
      () => host.route("hello", "Third_secret-3"),
      () => host.edge(["confirm", "hello"]),
    ]) {
      expect(await again()).toEqual(quiet);
    }
    expect(host.current).toBe(before.link);
    expect(stateOf(host.tree)).toEqual(before.state);
  });

  test("a bot without a secret is open to Telegram's networks, and confirming it is nothing", async () => {
    expect(await host.route("shop", null)).toEqual(quiet);
    expect(await host.edge(["confirm", "shop"])).toEqual(quiet);
    await until(() => post("shop", "Whatever"), { status: 200, body: "shop:Whatever:" });
    expect((await post("hello", "Whatever")).status).toBe(403);
  });

  test("a route that nginx refuses leaves every bot as it was", async () => {
    const before = { link: host.current, state: stateOf(join(host.tree, "current/")) };
    const broken = { files: { "resolve.location.conf": "location = /x {" }, secret: null };
    const refused = await host.edge(["route", "shop"], { input: broken });
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/nginx refuses the route of bot shop/);
    expect({ link: host.current, state: stateOf(join(host.tree, "current/")) }).toEqual(before);
    expect(await post("shop", "Whatever")).toMatchObject({ status: 200 });
    expect(trees()).toBe(1);
  });

  test("a route cannot write elsewhere, and a secret cannot say anything to nginx", async () => {
    for (const file of ["../../x.conf", "guard", "x/y.conf", ".conf", "X.conf"]) {
      const ended = await host.edge(["route", "shop"], { input: { files: { [file]: "" }, secret: null } });
      expect(ended, file).toMatchObject({ code: 1 });
    }
    for (const secret of ['a"; return 200;', "a b", "$host", "a\nb", "ä"]) {
      const ended = await host.route("shop", secret);
      expect(ended, secret).toMatchObject({ code: 1 });
      expect(ended.stderr, secret).not.toContain(secret);
    }
    for (const bot of ["", "Hello", "../x", "-x"]) expect((await host.edge(["route", bot])).code).toBe(1);
    expect(await post("shop", "Whatever")).toMatchObject({ status: 200 });
  });

  test("a change never touches the files of a tree that is kept", async () => {
    const kept = join(root, "kept");
    await runProgram("cp", ["-al", `${join(host.tree, "current")}/.`, kept]);
    const copied = join(root, "copied");
    cpSync(kept, copied, { recursive: true });
    expect(await host.route("hello", "Fifth-5", { container: "hello-9999999" })).toEqual(quiet);
    expect(await host.edge(["confirm", "hello"])).toEqual(quiet);
    expect(await host.configure(site, { "people.conf": "# other\n" })).toEqual(quiet);
    expect(await host.edge(["unroute", "shop"])).toEqual(quiet);
    const { code, stdout } = await runProgram("diff", ["-r", kept, copied]);
    expect(stdout).toBe("");
    expect(code).toBe(0);
    for (const folder of [kept, copied]) rmSync(folder, { recursive: true });
  });

  test("an unrouted bot is gone for the edge, with its secret", async () => {
    await until(() => post("shop", "Whatever"), { status: 404 });
    expect(readdirSync(join(host.tree, "current/routes")).filter((file) => file.startsWith("shop."))).toEqual(
      [],
    );
    expect(readdirSync(join(host.tree, "current/secrets"))).toEqual(["hello"]);
    expect(await host.edge(["unroute", "shop"])).toEqual(quiet);
  });

  test("several changes at a time all come to be", async () => {
    const bots = ["one", "two", "three", "four"];
    const ended = await Promise.all(bots.map((bot) => host.route(bot, `secret-${bot}`)));
    expect(ended).toEqual(bots.map(() => quiet));
    for (const bot of bots) await until(() => post(bot, `secret-${bot}`), { status: 503 });
    for (const bot of bots) expect((await host.edge(["unroute", bot])).code).toBe(0);
  });

  // Where a run can end: before nginx tests the copy, and before nginx loads what is in place.
  test.for(["nginx -t", "-s reload"])(
    "a run that is killed before `%s` is made good by the next",
    async (at) => {
      await host.route("hello", "Before");
      await host.edge(["confirm", "hello"]);
      await until(() => post("hello", "Whatever"), { status: 403 });
      await until(() => post("hello", "Before"), { status: 200 });
      const input = host.routeInput("hello", "After");
      await host.killed(["route", "hello"], at, input);
      expect(await post("hello", "Before")).toMatchObject({ status: 200 });
      expect(await host.edge(["route", "hello"], { input })).toEqual(quiet);
      expect(trees()).toBe(1);
      await until(() => post("hello", "After"), { status: 200 });
      await host.edge(["confirm", "hello"]);
      await until(() => post("hello", "Before"), { status: 403 });
    },
  );

  test("a new image is tried before the container that will have it is there, and idle connections are let go", async () => {
    await docker(["tag", host.image, `${host.container}:next`]);
    const idle = await keptConnection(await host.address());
    try {
      const input = host.configuration(site);
      const args = ["configure", `${host.container}:next`];
      expect(await host.edge(args, { input, env: host.late })).toEqual(quiet);
      // Or its end would keep a nginx that stops, and nothing would listen meanwhile.
      expect(idle.closed).toBe(true);
      expect(readFileSync(join(host.tree, "image"), "utf8")).toBe(`${host.container}:next\n`);
      expect(await host.configure(site)).toEqual(quiet);
    } finally {
      idle.destroy();
      await docker(["rmi", `${host.container}:next`]);
    }
  });

  test("another container of the same image is to come: idle connections are let go, once", async () => {
    const input = { ...host.configuration(site), container: "another" };
    const idle = await keptConnection(await host.address());
    expect(await host.edge(["configure", host.image], { input })).toEqual(quiet);
    expect(idle.closed).toBe(true);
    // The tree is another one each time that they are.
    const { current } = host;
    expect(await host.edge(["configure", host.image], { input })).toEqual(quiet);
    expect(host.current).toBe(current);
    expect(await host.configure(site)).toEqual(quiet);
  });

  test("forget removes the tree", async () => {
    expect(await host.edge(["forget"])).toEqual(quiet);
    expect(globSync(host.tree)).toEqual([]);
    expect(await host.edge(["unroute", "hello"])).toEqual(quiet);
    expect(await host.edge(["confirm", "hello"])).toEqual(quiet);
    expect((await host.route("hello", "x")).stderr).toMatch(/no configuration yet/);
  });
});

test.for([
  ["built with OpenSSL 3.0.15 3 Sep 2024", false],
  ["built with OpenSSL 1.1.1w  11 Sep 2023", false],
  ["built with OpenSSL 3.5.0 8 Apr 2025", true],
  ["built with OpenSSL 3.10.1 1 Jan 2028", true],
  ["built with OpenSSL 4.0.0 1 Jan 2027", true],
  ["built with OpenSSL 3.5.0 8 Apr 2025 (running with OpenSSL 3.5.4 30 Sep 2025)", true],
  // What counts is what the image has, not what nginx was built on.
  ["built with OpenSSL 3.5.0 8 Apr 2025 (running with OpenSSL 3.0.15 3 Sep 2024)", false],
  ["built with OpenSSL 3.0.15 3 Sep 2024 (running with OpenSSL 3.5.4 30 Sep 2025)", true],
  ["built with BoringSSL", false],
  ["", false],
] as const)("the groups fit an image that says: %s", async ([said, hybrid]) => {
  const script = join(root, "bin/edge");
  const program = `set -euo pipefail; eval "$(sed -n '/^groups() {/,/^}/p' "$1")"; docker() { echo "$SAID" >&2; }; groups image`;
  const env = { ...process.env, SAID: `nginx version: nginx/1.30.4\n${said}\nTLS SNI support enabled` };
  const { code, stdout } = await runProgram("bash", ["-c", program, "bash", script], { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ssl_ecdh_curve [\w:]+;\n$/);
  expect(stdout.includes("X25519MLKEM768")).toBe(hybrid);
});

/** A connection that had an answer and stays open. */
async function keptConnection(address: string): Promise<TLSSocket> {
  const socket = connect({ host: address, port: 443, servername: site.name, rejectUnauthorized: false });
  socket.on("error", () => {});
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${site.name}\r\n\r\n`);
  await once(socket, "data");
  return socket;
}
