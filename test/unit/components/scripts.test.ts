import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  globSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { digestOf, installText, type ScriptName } from "../../../components/host/scripts.ts";
import { runProgram } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const components = fileURLToPath(new URL("../../../components", import.meta.url));

/** The name that each script has on the host. */
const sources: Readonly<Record<ScriptName, string>> = {
  "prepare-host": "host/prepare-host.sh",
  network: "network.sh",
  postgres: "postgres/postgres.sh",
  "postgres-database": "postgres/database.sh",
  "postgres-database.sql": "postgres/database.sql",
  "postgres-password": "postgres/password.sh",
  "postgres-dump": "postgres/dump.sh",
  edge: "edge/edge.sh",
  "edge-tree": "edge/edge-tree.sh",
  "edge-site": "edge/edge-site.sh",
  "edge-routes": "edge/edge-routes.sh",
  "edge-pause": "edge/edge-pause.sh",
  "start-nginx": "edge/start-nginx.sh",
  certificate: "certificates/certificate.sh",
  "certificate-folders": "certificates/certificate-folders.sh",
  "certificate-names": "certificates/certificate-names.sh",
  "certbot-loop": "certificates/certbot/certbot-loop.sh",
  "certbot-issue": "certificates/certbot/certbot-issue.py",
  "acme_common.py": "certificates/certbot/acme_common.py",
  "acme_journal.py": "certificates/certbot/acme_journal.py",
  "acme_certificate.py": "certificates/certbot/acme_certificate.py",
  "acme_certbot.py": "certificates/certbot/acme_certbot.py",
  "acme_failure.py": "certificates/certbot/acme_failure.py",
  "acme_round.py": "certificates/certbot/acme_round.py",
  "bot-release": "bot/release.sh",
  "bot-release-health": "bot/release-health.sh",
  "bot-before-deploy": "bot/before-deploy.sh",
  "bot-records": "bot/records.sh",
  "bot-webhook": "bot/webhook.sh",
};
const names = Object.keys(sources) as ScriptName[];

function source(name: ScriptName): string {
  return readFileSync(join(components, sources[name]), "utf8");
}

describe("the installation, by a real shell", () => {
  /** The text with the host's folder exchanged for another. */
  function installInto(target: string): string {
    const text = installText().replace("target=/opt/botgarden\n", `target='${target}'\n`);
    expect(text).toContain(target);
    return text;
  }

  /** @param folders how many are there: the present one, and from the second installation on the one before */
  function expectComplete(target: string, folders = 2): void {
    const bin = join(target, "bin");
    expect(readdirSync(bin).toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      expect(readFileSync(join(bin, name), "utf8")).toBe(source(name));
      expect(statSync(join(bin, name)).mode & 0o777, name).toBe(0o755);
    }
    expect(globSync(join(target, "scripts.*"))).toHaveLength(folders);
  }

  const install = (text: string) => runProgram("/bin/sh", ["-s"], { input: text });

  test("puts every script there, readable and runnable by all, and says nothing", async () => {
    const target = join(temporaryFolder(), "new", "garden");
    expect(await install(installInto(target))).toEqual({ code: 0, stdout: "", stderr: "" });
    expectComplete(target, 1);
    expect(statSync(join(target, "bin/")).mode & 0o777).toBe(0o755);
  });

  test("can be repeated, and leaves only the last former folder", async () => {
    const target = temporaryFolder();
    for (let time = 0; time < 3; time += 1) {
      expect((await install(installInto(target))).code).toBe(0);
      expectComplete(target, time === 0 ? 1 : 2);
    }
  });

  test("replaces what another version left, other files among it", async () => {
    const target = temporaryFolder();
    await install(installInto(target));
    writeFileSync(join(target, "bin", "edge"), "#!/bin/sh\necho old\n");
    writeFileSync(join(target, "bin", "retired"), "#!/bin/sh\n");
    expect((await install(installInto(target))).code).toBe(0);
    expectComplete(target);
  });

  test("two at a time do not disturb each other", async () => {
    const target = temporaryFolder();
    const ended = await Promise.all([1, 2, 3].map(() => install(installInto(target))));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
    expectComplete(target);
  });

  test("a connection that breaks anywhere leaves the old scripts in place", async () => {
    const target = temporaryFolder();
    await install(installInto(target));
    const before = readdirSync(join(target, "bin"));
    const marked = join(target, "bin", "network");
    writeFileSync(marked, "the old one\n");
    const text = installInto(target);
    const last = text.lastIndexOf("switch_over");
    const cuts = [0.05, 0.2, 0.4, 0.6, 0.8, 0.95].map((part) => Math.floor(last * part));
    for (const cut of [...cuts, last, last + "switch_ove".length]) {
      await install(text.slice(0, cut));
      expect(readdirSync(join(target, "bin")), `cut at ${cut}`).toEqual(before);
      expect(readFileSync(marked, "utf8"), `cut at ${cut}`).toBe("the old one\n");
    }
    expect((await install(text)).code).toBe(0);
    expectComplete(target);
  });

  test("a run that is killed leaves the old scripts in place, and the next one finishes", async () => {
    const target = temporaryFolder();
    await install(installInto(target));
    const marked = join(target, "bin", "network");
    writeFileSync(marked, "the old one\n");
    const text = installInto(target);
    const child = spawn("/bin/sh", ["-s"], { stdio: ["pipe", "ignore", "ignore"] });
    const last = text.lastIndexOf("switch_over");
    child.stdin.write(`${text.slice(0, last)}echo ready >"$new/.ready"\n`);
    while (globSync(join(target, "scripts.*", ".ready")).length === 0) await new Promise(setImmediate);
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    expect(readFileSync(marked, "utf8")).toBe("the old one\n");
    expect(globSync(join(target, "scripts.*"))).toHaveLength(2);
    expect((await install(text)).code).toBe(0);
    expectComplete(target);
  });

  test("a script that runs meanwhile keeps its text, and finds the others that it calls", async () => {
    const target = temporaryFolder();
    await install(installInto(target));
    const script = join(target, "bin", "edge");
    writeFileSync(script, '#!/bin/sh\nhere=$(dirname "$0")\nread line\n"$here/network"\n');
    writeFileSync(join(target, "bin", "network"), "#!/bin/sh\necho still here\n");
    const running = spawn("/bin/sh", [realpathSync(script)], { stdio: ["pipe", "pipe", "ignore"] });
    let said = "";
    running.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await install(installInto(target));
    const ended = once(running, "close");
    running.stdin.end("go\n");
    await ended;
    expect(said).toBe("still here\n");
    expectComplete(target);
  });
});

test("the text of the installation is always the same", () => {
  expect(installText()).toBe(installText());
});

test("no script holds the line that would end it early", () => {
  for (const name of names) expect(source(name).split("\n")).not.toContain(`END_OF_${name}`);
});

describe("digests", () => {
  test("are short and told apart", () => {
    const digests = names.map(digestOf);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{8}$/);
    expect(new Set(digests).size).toBe(names.length);
  });

  test("change when the text of the script changes, or of a script that it calls at any remove, and only then", async () => {
    const copy = join(temporaryFolder(), "components");
    cpSync(components, copy, { recursive: true });
    const original = await digestsOf(copy);
    expect(original).toEqual(Object.fromEntries(names.map((name) => [name, digestOf(name)])));
    for (const changed of names) {
      const path = join(copy, sources[changed]);
      const text = readFileSync(path, "utf8");
      writeFileSync(path, `${text}# another line\n`);
      const digests = await digestsOf(copy);
      writeFileSync(path, text);
      const different = names.filter((name) => digests[name] !== original[name]);
      expect(different.toSorted(), changed).toEqual(
        names.filter((name) => uses(name).has(changed)).toSorted(),
      );
    }
  });

  /**
   * A script and those that its text names beside it, with theirs. What only looks or waits there is left out: a new
   * edge.sh must not register every webhook anew.
   */
  function uses(name: ScriptName): Set<string> {
    const called = [...source(name).matchAll(/"?\$here"?\/([a-z.-]+)/g)].map(([, other]) => other ?? "");
    const left: Partial<Record<ScriptName, readonly string[]>> = {
      "bot-webhook": ["edge"],
      "edge-site": ["certificate"],
      "edge-pause": ["bot-records"],
    };
    // Named by a variable.
    const copies = source(name).matchAll(/^ *install_files (.+)$/gm);
    const copied = [...copies].flatMap(([, files = ""]) => files.split(" "));
    const direct = [...copied, ...called.filter((other) => !left[name]?.includes(other))];
    return new Set([name, ...direct.flatMap((other) => [...uses(other as ScriptName)])]);
  }

  /** The digests as a fresh program computes them. */
  async function digestsOf(folder: string): Promise<Record<string, string>> {
    const url = pathToFileURL(join(folder, "host/scripts.ts")).href;
    const program = `const { digestOf } = await import(${JSON.stringify(url)});
      console.log(JSON.stringify(Object.fromEntries(${JSON.stringify(names)}.map((name) => [name, digestOf(name)]))));`;
    const { code, stdout, stderr } = await runProgram(process.execPath, [
      "--input-type=module",
      "-e",
      program,
    ]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, string>;
  }
});

test("every script file of a component is put on the host, or goes there by standard input", () => {
  const piped = ["install-scripts.sh", "check-host.sh", "sweep-host.sh"];
  const files = globSync("**/*.{sh,sql,py}", { cwd: components });
  const installed = new Set(Object.values(sources));
  expect(files.filter((file) => !installed.has(file) && !piped.includes(basename(file)))).toEqual([]);
  for (const file of installed) expect(existsSync(join(components, file)), file).toBe(true);
});
