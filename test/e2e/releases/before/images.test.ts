/** Where a bot's image comes from: a tag that moves, a private registry, one that is down, a build, one with secrets. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { checkout } from "../../../../sandbox/lifecycle/checkout.ts";
import { partsOf } from "../../../../sandbox/lifecycle/state.ts";
import { changesOf } from "../../support/plan.ts";
import { GardenWithRegistry, smallBot } from "../../support/registry.ts";
import { runProgram } from "../../support/run.ts";

const login = { username: "me", password: "the-right-word-yraNaC" };
const passwordPath = () => `botgarden:registries["${garden.registry.name}"].password`;

let garden: GardenWithRegistry;
let first: string;
let second: string;

function writeBot(name: string, image: string): void {
  writeFileSync(
    join(garden.project, `bots/${name}.ts`),
    `import { defineBot } from "../settings/bot.ts";
export default defineBot({ image: ${image}, database: false, health: { path: "/" } });
`,
  );
}

/** The bot's image in the private registry. */
const reference = (tag: string) => `${garden.registry.name}/team/small:${tag}`;
const pull = (tag: string) => writeBot("pulled", JSON.stringify(reference(tag)));

/** Which release answers on the host, and in which container. */
async function running(bot: string): Promise<{ release: string; container: string }> {
  const filter = `--filter label=botgarden.bot=${bot}`;
  const container = (await garden.onHost(`docker ps ${filter} --format '{{.Names}}'`)).trim();
  const release = await garden.onHost(`docker exec ${container} printenv RELEASE`);
  return { release: release.trim(), container };
}

/** The lines of a run that warn or say an error, without Pulumi's own words around them. */
const said = (output: string) => output.split("\n").filter((line) => /^\s+(?:warning|error): /.test(line));

beforeAll(async () => {
  garden = await GardenWithRegistry.start({ ...login, by: "token" });
  await garden.planted();
  for (const bot of ["pulled", "built"]) await garden.addToken(bot);
  [first, second] = [await garden.push("first", "1"), await garden.push("second", "next")];
  const name = `botgarden:registries["${garden.registry.name}"]`;
  await garden.configure(`${name}.username`, login.username);
  await garden.configure(passwordPath(), login.password, "--secret");
  pull("1");
  await garden.up();
});

afterAll(async () => {
  for (const bot of ["pulled", "built"]) rmSync(join(garden.project, `bots/${bot}.ts`), { force: true });
  rmSync(join(garden.project, "bots/small-bot"), { recursive: true, force: true });
  await garden.pulumi("config", "rm", "botgarden:registries");
  await garden.up();
  await garden.end();
});

describe("a private registry", () => {
  test("gives the image with the right login; a second run asks only for the digest", async () => {
    expect((await running("pulled")).release).toBe("first");
    const before = garden.registry.requests.length;
    expect(await changesOf(garden)).toEqual([]);
    await garden.up();
    const since = garden.registry.requests.slice(before).filter((line) => !line.includes("/token"));
    expect(since.every((line) => line.startsWith("HEAD /v2/team/small/manifests/1 "))).toBe(true);
    expect(since.length).toBeGreaterThan(0);
  });

  test("has its password nowhere in clear", async () => {
    const state = partsOf(garden.state.id).backend;
    for (const place of [state, join(garden.project, `Pulumi.sandbox.yaml`)]) {
      const found = await runProgram("grep", ["-rl", login.password, place]);
      expect(found).toEqual({ code: 1, output: "" });
    }
    const onHost = "grep -rIl yraNaC /etc /opt /var/lib/botgarden /root /var/log 2>/dev/null || true";
    expect(await garden.onHost(onHost)).toBe("");
  });
});

test("a tag that moved is shown with its new digest, and released", async () => {
  const before = await running("pulled");
  await garden.push("second", "1");
  const preview = await garden.pulumi("preview", "--diff");
  expect(preview.output).toContain(`name: "${reference("1")}@${first}" => "${reference("1")}@${second}"`);
  expect((await running("pulled")).container).toBe(before.container);
  await garden.up();
  expect((await running("pulled")).release).toBe("second");
  expect(await changesOf(garden)).toEqual([]);
});

test("an image that does not exist releases nothing, with one message", async () => {
  const before = await running("pulled");
  pull("gone");
  const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
  expect(code).not.toBe(0);
  expect(said(output)).toEqual([
    expect.stringMatching(
      /error: .*team\/small:gone can't be released: \S+ has no \S+team\/small:gone\. Correct/,
    ),
  ]);
  expect(output).not.toMatch(/\n\s+at .*\.ts:\d+/);
  expect(await running("pulled")).toEqual(before);
  pull("1");
  expect(await changesOf(garden)).toEqual([]);
});

test("a wrong password is told with what to do, changes no bot, and lets nothing new through", async () => {
  const before = await running("pulled");
  await garden.configure(passwordPath(), "a-wrong-word", "--secret");
  const preview = await garden.pulumi("preview");
  expect(preview.code).toBe(0);
  expect(said(preview.output)).toEqual([
    expect.stringMatching(
      /refuses the login in botgarden:registries .*What runs now stays\. .*config set --secret/,
    ),
  ]);
  // The Docker plugin is told the new password; nothing else changes.
  expect((await changesOf(garden)).map(({ urn }) => urn.split("::").at(-1))).toEqual(["host-docker"]);
  pull("next");
  const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
  expect(code).not.toBe(0);
  expect(said(output)).toEqual([expect.stringMatching(/small:next can't be released: .* refuses the login/)]);
  expect(await running("pulled")).toEqual(before);
  await garden.configure(passwordPath(), login.password, "--secret");
  // Another tag of the same image is no release.
  await garden.up();
  expect(await running("pulled")).toEqual(before);
});

describe("a registry that is down", () => {
  beforeAll(() => garden.registry.stop());
  afterAll(() => garden.registry.start());

  test("is one warning, and what runs stays", async () => {
    const before = await running("pulled");
    const preview = await garden.pulumi("preview");
    expect(said(preview.output)).toEqual([
      expect.stringMatching(
        /The registry \S+ can't be reached from this machine \(.*refused\)\. What runs now stays\./,
      ),
    ]);
    expect(await changesOf(garden)).toEqual([]);
    await garden.up();
    expect(await running("pulled")).toEqual(before);
  });

  test("lets a preview of a new image through, but no release", async () => {
    const before = await running("pulled");
    pull("another");
    const preview = await garden.pulumi("preview");
    expect(preview.code).toBe(0);
    expect(said(preview.output)).toEqual([expect.stringMatching(/can't be reached .*will not release it/)]);
    const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(code).not.toBe(0);
    expect(said(output)).toEqual([expect.stringMatching(/small:another can't be released: The registry/)]);
    expect(await running("pulled")).toEqual(before);
    pull("next");
  });
});

describe("a build", () => {
  const args = (release: string) => `{ build: "./small-bot", args: { RELEASE: "${release}" } }`;
  const notes = () => join(garden.project, "bots/small-bot/notes.txt");

  beforeAll(async () => {
    cpSync(smallBot, join(garden.project, "bots/small-bot"), { recursive: true });
    writeBot("built", args("third"));
    await garden.up();
  });

  test("takes its arguments, and leaves out what .dockerignore says", async () => {
    const { release, container } = await running("built");
    expect(release).toBe("third");
    expect((await garden.onHost(`docker exec ${container} ls /app`)).trim()).toBe("Dockerfile\nsmall_bot.py");
  });

  test("is not repeated when nothing changed, or only what is left out", async () => {
    expect(await changesOf(garden)).toEqual([]);
    writeFileSync(notes(), `${readFileSync(notes(), "utf8")}More.\n`);
    expect(await changesOf(garden)).toEqual([]);
  });

  test("with another argument is a release", async () => {
    const before = await running("built");
    writeBot("built", args("fourth"));
    await garden.up();
    const now = await running("built");
    expect(now.release).toBe("fourth");
    expect(now.container).not.toBe(before.container);
    expect(await changesOf(garden)).toEqual([]);
  });
});

describe("a build with secrets", () => {
  const canaries = { npm: "canary-npm-yraNaC", netrc: "canary-netrc-yraNaC" };
  const canary = /canary-(npm|netrc)-/;
  const folder = () => join(garden.project, "bots/secretive");
  const netrc = () => join(garden.project, "bots/private/netrc");
  const secrets = '{ npm: { env: "E2E_NPM_TOKEN" }, netrc: { file: "./private/netrc" } }';
  const build = (release: string) =>
    `{ build: "./secretive", args: { RELEASE: "${release}" }, secrets: ${secrets} }`;
  let printed: string;

  /** What the build found, as its Dockerfile writes it down. */
  async function seen(): Promise<string[]> {
    const { container } = await running("secretive");
    return (await garden.onHost(`docker exec ${container} cat /seen`)).trim().split("\n");
  }
  const digests = () =>
    Object.values(canaries).map((value) => createHash("sha256").update(value).digest("hex"));

  beforeAll(async () => {
    cpSync(smallBot, folder(), { recursive: true });
    cpSync(join(checkout, "test/e2e/fixtures/secretive/Dockerfile"), join(folder(), "Dockerfile"));
    mkdirSync(join(garden.project, "bots/private"), { recursive: true });
    writeFileSync(netrc(), canaries.netrc);
    vi.stubEnv("E2E_NPM_TOKEN", canaries.npm);
    await garden.addToken("secretive");
    writeBot("secretive", build("fifth"));
    printed = (await garden.up()).output;
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    for (const path of [folder(), dirname(netrc()), join(garden.project, "bots/secretive.ts")]) {
      rmSync(path, { recursive: true, force: true });
    }
  });

  test("sees them", async () => {
    expect((await running("secretive")).release).toBe("fifth");
    expect(await seen()).toEqual(digests());
  });

  test("leaves them in no output, no state and no layer", async () => {
    const shown = await garden.pulumi("stack", "export", "--show-secrets");
    expect(shown.output).toContain('"./bots/secretive/Dockerfile"');
    expect(shown.output).toContain("E2E_NPM_TOKEN");
    for (const text of [printed, shown.output]) expect(text).not.toMatch(canary);
    const image = "botgarden/secretive:latest";
    const layers = `docker save ${image} | grep -acE '${canary.source}' || true`;
    expect((await garden.onHost(layers)).trim()).toBe("0");
    const words = `docker history --no-trunc ${image}; docker inspect ${image} $(docker ps -aq)`;
    expect(await garden.onHost(words)).not.toMatch(canary);
    const places = "/etc /opt /var/lib/botgarden /root /var/log /tmp";
    expect(await garden.onHost(`grep -rIlE '${canary.source}' ${places} 2>/dev/null || true`)).toBe("");
  });

  test("is not repeated when nothing changed, a secret has another value, or the state was refreshed", async () => {
    expect(await changesOf(garden)).toEqual([]);
    writeFileSync(netrc(), "canary-other-yraNaC");
    vi.stubEnv("E2E_NPM_TOKEN", "canary-another-yraNaC");
    expect(await changesOf(garden)).toEqual([]);
    const refreshed = await garden.pulumi("refresh", "--yes", "--skip-preview");
    expect(refreshed.code, refreshed.output).toBe(0);
    expect(await changesOf(garden)).toEqual([]);
    writeFileSync(netrc(), canaries.netrc);
    vi.stubEnv("E2E_NPM_TOKEN", canaries.npm);
  });

  test("is planned without them, and refused by an up with one message", async () => {
    const before = await running("secretive");
    vi.stubEnv("E2E_NPM_TOKEN", "");
    writeBot("secretive", build("sixth"));
    expect((await changesOf(garden)).map(({ urn }) => urn.split("::").at(-1))).toContain("secretive-image");
    const { code, output } = await garden.pulumi("up", "--yes", "--skip-preview");
    expect(code).not.toBe(0);
    expect(output).toContain(
      'bots/secretive.ts: image.secrets.npm.env: names an environment variable that is empty, got "E2E_NPM_TOKEN". Set it in the shell that runs pulumi',
    );
    expect(output).not.toMatch(/\n\s+at .*\.ts:\d+/);
    expect(await running("secretive")).toEqual(before);
    vi.stubEnv("E2E_NPM_TOKEN", canaries.npm);
    writeBot("secretive", build("fifth"));
  });

  test("is a release when its files change", async () => {
    const before = await running("secretive");
    writeFileSync(join(folder(), "more.txt"), "More.\n");
    expect((await changesOf(garden)).map(({ urn }) => urn.split("::").at(-1))).toContain("secretive-image");
    await garden.up();
    const now = await running("secretive");
    expect(now.container).not.toBe(before.container);
    expect((await garden.onHost(`docker exec ${now.container} cat /app/more.txt`)).trim()).toBe("More.");
    expect(await seen()).toEqual(digests());
    expect(await changesOf(garden)).toEqual([]);
  });
});
