import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { partsOf } from "../../sandbox/lifecycle/state.ts";
import { Garden } from "./support/garden.ts";

/** Every secret of the garden, by what it is. */
async function secretsOf(garden: Garden): Promise<Map<string, string>> {
  const { output } = await garden.pulumi("stack", "export", "--show-secrets");
  const state: { deployment: { resources: Exported[] } } = JSON.parse(output);
  const found = new Map<string, string>();
  for (const { urn, type, outputs } of state.deployment.resources) {
    const name = urn.split("::").at(-1) ?? "";
    if (type === "random:index/randomPassword:RandomPassword") found.set(name, plain(outputs.result));
    // The middle of a key: its first and last lines are the same for all.
    if (type === "tls:index/privateKey:PrivateKey") {
      found.set(name, plain(outputs.privateKeyPem).split("\n")[1] ?? "");
    }
  }
  found.set("hello:token", await garden.telegram.addBot({ name: "hello" }));
  return found;
}

interface Exported {
  urn: string;
  type: string;
  outputs: Record<string, unknown>;
}

function plain(value: unknown): string {
  return JSON.parse((value as { plaintext: string }).plaintext);
}

describe("no secret is where others can read it", () => {
  let garden: Garden;
  let secrets: Map<string, string>;
  let upOutput: string;

  beforeAll(async () => {
    garden = await new Garden().planted();
    secrets = await secretsOf(garden);
    // Everything once more, with every difference shown, while the host's processes are watched.
    await garden.onHost(
      'systemd-run --quiet --unit=watch-processes sh -c \'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; sleep 0.02; done > /run/processes.log\'',
    );
    const passwords = [...secrets.keys()].filter((name) => name.includes("password"));
    const replaced = passwords.flatMap((name) => ["--replace", `**::${name}`]);
    upOutput = (await garden.up("--diff", ...replaced)).output;
    await garden.onHost("systemctl stop watch-processes");
    for (const [name, secret] of await secretsOf(garden)) secrets.set(`${name} (now)`, secret);
  });

  test("there are secrets to look for", () => {
    expect(secrets.size).toBeGreaterThanOrEqual(7);
    for (const [name, secret] of secrets) expect(secret.length, name).toBeGreaterThan(20);
  });

  const clean = (text: string, place: string) => {
    for (const [name, secret] of secrets) expect(text.includes(secret), `${name} is in ${place}`).toBe(false);
  };

  test("not in Pulumi's output", () => clean(upOutput, "the output"));

  test("not in the state or the stack's settings file", () => {
    for (const file of filesUnder(partsOf(garden.state.id).backend)) clean(readFileSync(file, "utf8"), file);
    clean(readFileSync(join(garden.project, "Pulumi.sandbox.yaml"), "utf8"), "Pulumi.sandbox.yaml");
  });

  test("not in the arguments of any process on the host", async () => {
    const seen = await garden.onHost("cat /run/processes.log");
    expect(seen).toContain("postgres-database");
    clean(seen, "a process's arguments");
  });

  test("not in logs, image layers or files that everybody may read", async () => {
    await garden.onHost("cat > /root/canary && chmod 600 /root/canary", [...secrets.values()].join("\n"));
    const places = {
      "the system's log": "journalctl --no-pager -o cat",
      "the containers' logs": "for c in $(docker ps -aq); do docker logs $c 2>&1; done",
      "the images' history":
        "for i in $(docker images -q); do docker history --no-trunc $i; docker inspect $i; done",
      "an image's layers": "for i in $(docker images -q); do docker save $i | tar -xO 2>/dev/null; done",
    };
    for (const [place, command] of Object.entries(places)) {
      const hits = await garden.onHost(`(${command}) | grep -caFf /root/canary || true`);
      expect(hits.trim(), place).toBe("0");
    }
    // What somebody without any right can read, searched by root.
    const readable = await garden.onHost(
      "runuser -u nobody -- find / -xdev -type f -readable -size -5M -not -path '/proc/*' -not -path '/sys/*' -print0 2>/dev/null " +
        "| xargs -0 grep -lFf /root/canary 2>/dev/null || true",
    );
    expect(readable).toBe("");
    await garden.onHost("rm /root/canary");
  });

  test("a failing command shows no secret either", async () => {
    await garden.onHost("mv /usr/bin/jq /usr/bin/jq.away");
    const { code, output } = await garden.pulumi(
      "up",
      "--yes",
      "--skip-preview",
      "--replace",
      "**::hello-webhook-secret",
    );
    await garden.onHost("mv /usr/bin/jq.away /usr/bin/jq");
    expect(code).not.toBe(0);
    expect(output).toContain("hello-release");
    for (const [name, secret] of await secretsOf(garden)) secrets.set(`${name} (after)`, secret);
    clean(output, "the failed command's text");
    await garden.up();
    expect(await garden.ask("hello", "well again", 5007)).toMatch(/message/);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
