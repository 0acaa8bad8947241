/** Which image a bot gets: what its tag stands for now, what was deployed, what was built, or its pin. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { botImage } from "../../../components/bot/image.ts";
import { Host } from "../../../components/host/host.ts";
import { ImageTags } from "../../../components/host/image-tags.ts";
import type { RegistryLogin } from "../../../components/registries.ts";
import { type BotSettings, type ImageBuild, parseBot } from "../../../settings/bot.ts";
import { botsOf, settingsOf } from "../support/bots.ts";
import {
  DIGEST,
  find,
  plain,
  REGISTRY_IMAGE,
  type RecordOptions,
  record,
  valueOfOutput,
} from "../support/recorder.ts";
import { sharedFolder } from "../support/temporary-folder.ts";

const REMOTE_IMAGE = "docker:index/remoteImage:RemoteImage";
const STATE = "pulumi:pulumi:readStackResourceOutputs";
const OTHER = `sha256:${"9".repeat(64)}`;
const reference = "ghcr.io/example/poller:1.2.0";

afterEach(() => vi.restoreAllMocks());

/** A registry that answers as the plugin tells it. */
function failing(reason: string): RecordOptions["answers"] {
  return {
    [REGISTRY_IMAGE]: () => {
      // As the plugin words it; Pulumi reads an answer's `details`.
      const details = `invoking ${REGISTRY_IMAGE}: 1 error occurred:\n\t* Got error when attempting to fetch image version example/poller:1.2.0 from registry: ${reason}\n\n`;
      throw Object.assign(new Error(details), { details });
    },
  };
}

const down =
  'Error during registry request: Head "https://ghcr.io/v2/example/poller/manifests/1.2.0": dial tcp: lookup ghcr.io: no such host';

/** What the state of the last `up` has for the bot. */
function deployed(outputs: Record<string, unknown>): RecordOptions["answers"] {
  const urn = `urn:pulumi:unit::botgarden::botgarden:bot:Bot$${REMOTE_IMAGE}::poller-image`;
  return { [STATE]: { outputs: { [urn]: { type: REMOTE_IMAGE, outputs } } } };
}

interface Case {
  readonly image?: string;
  readonly pin?: string;
  readonly registries?: readonly string[];
  readonly answers?: RecordOptions["answers"];
  readonly preview?: boolean;
}

const pollerWith = ({ image = reference, pin }: Case): BotSettings => {
  const [poller] = botsOf({ poller: { image, polling: true, database: false } });
  if (poller === undefined) throw new Error("no bot");
  return pin === undefined ? poller : { ...poller, pin };
};

const hostWith = ({ registries = [] }: Case): Host => {
  const logins = registries.map(
    (registry): RegistryLogin => ({ registry, username: "me", password: pulumi.secret("canary-yraNaC") }),
  );
  return new Host("host", { ...settingsOf(), registries: logins });
};

/** Plants the image of one bot. */
async function planted(what: Case) {
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  const answers = { [STATE]: { outputs: {} }, ...what.answers };
  const { resources, result } = await record(
    async () => {
      const host = hostWith(what);
      const { id, reference: text } = botImage(pollerWith(what), { host, platform: "linux/amd64" }, host);
      return { id, text: await valueOfOutput(text) };
    },
    { answers, preview: what.preview === true },
  );
  return { resources, ...result, warnings: warn.mock.calls.map(([line]) => line) };
}

const nameOf = ({ resources }: Awaited<ReturnType<typeof planted>>) =>
  (plain(find(resources, REMOTE_IMAGE, "poller-image").inputs) as { name: string }).name;

describe("a tag", () => {
  test.each([false, true])("stands for the digest that the registry tells (preview: %s)", async (preview) => {
    const made = await planted({ preview });
    expect(nameOf(made)).toBe(`${reference}@${DIGEST}`);
    expect(made.text).toBe(`${reference}@${DIGEST}`);
    expect(made.warnings).toEqual([]);
  });

  test("of Docker Hub is asked for as the plugin understands it", async () => {
    const asked: unknown[] = [];
    const answers: RecordOptions["answers"] = {
      [REGISTRY_IMAGE]: ({ name }) => {
        asked.push(name);
        return { sha256Digest: DIGEST };
      },
    };
    const made = await planted({ image: "docker.io/example/poller:1", answers });
    expect(asked).toEqual(["example/poller:1"]);
    expect(nameOf(made)).toBe(`example/poller:1@${DIGEST}`);
  });
});

test("a reference with a digest is never looked up", async () => {
  const made = await planted({ image: `${reference}@${OTHER}`, answers: failing(down) });
  expect(nameOf(made)).toBe(`${reference}@${OTHER}`);
  expect(made.warnings).toEqual([]);
});

test("a pinned bot gets its pin, and no image of its own", async () => {
  const made = await planted({ pin: OTHER, answers: failing(down) });
  expect(await valueOfOutput(made.id)).toBe(OTHER);
  expect(made.text).toBe(`pinned ${OTHER}`);
  expect(made.resources.filter(({ name }) => name === "poller-image")).toEqual([]);
});

describe("a build with secrets", () => {
  const project = sharedFolder();
  beforeAll(() => {
    mkdirSync(join(project, "bots/hello"), { recursive: true });
    writeFileSync(join(project, "bots/hello/Dockerfile"), "FROM scratch\n");
  });
  const secrets: ImageBuild["secrets"] = {
    ...{ npm: { env: "NPM_TOKEN" }, netrc: { file: "/home/me/.netrc" }, key: { file: "keys/app" } },
  };

  async function built(image: Omit<ImageBuild, "build">) {
    vi.spyOn(process, "cwd").mockReturnValue(project);
    const origin = { file: "bots/hello.ts", defaultName: "hello", directory: join(project, "bots") };
    const bot = parseBot({ image: { build: "./hello", ...image } }, origin);
    const { resources, result } = await record(async () => {
      const host = hostWith({});
      const { id, reference: text } = botImage(bot, { host, platform: "linux/arm64" }, host);
      return { id: await valueOfOutput(id), text: await valueOfOutput(text) };
    });
    return { resources, ...result };
  }

  test("is made on the host by the plugin's way that takes them, and named as any build", async () => {
    const { resources, id, text } = await built({ secrets, args: { VERSION: "1" }, target: "runtime" });
    const { inputs, options } = find(resources, REMOTE_IMAGE, "hello-image");
    expect(plain(inputs)).toEqual({
      name: "botgarden/hello:latest",
      keepLocally: true,
      triggers: { context: expect.stringMatching(/^[0-9a-f]{64}$/) },
      build: {
        context: "./bots/hello",
        dockerfile: "./bots/hello/Dockerfile",
        platform: "linux/arm64",
        target: "runtime",
        buildArgs: { VERSION: "1" },
        secrets: [
          { id: "key", src: "./bots/keys/app" },
          { id: "netrc", src: "/home/me/.netrc" },
          { id: "npm", env: "NPM_TOKEN" },
        ],
        useLegacyBuilder: true,
        builder: "default",
      },
    });
    expect(options).toHaveProperty("provider");
    expect({ id, text }).toEqual({ id: "sha256:id-of-hello-image", text: "build" });
    expect(resources.filter(({ type }) => type === "docker:index/image:Image")).toEqual([]);
  });

  test("is another resource than one without", async () => {
    const { resources } = await built({ args: {} });
    expect(resources.filter(({ type }) => type === REMOTE_IMAGE)).toEqual([]);
    expect(find(resources, "docker:index/image:Image", "hello-image").inputs).not.toHaveProperty("triggers");
  });
});

describe("a registry that does not answer", () => {
  test.each([
    ["as it was deployed", { name: `${reference}@${OTHER}` }],
    ["of a garden from before digests", { name: reference, repoDigest: `ghcr.io/example/poller@${OTHER}` }],
  ])("leaves the digest %s, with one warning", async (_, outputs) => {
    const made = await planted({ answers: { ...failing(down), ...deployed(outputs) } });
    expect(nameOf(made)).toBe(`${reference}@${OTHER}`);
    expect(made.warnings).toEqual([
      "The registry ghcr.io can't be reached from this machine (dial tcp: lookup ghcr.io: no such host). What runs now stays. Run it again when the registry answers.",
    ]);
  });

  test("is warned of once for all bots", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const names = [1, 2, 3].map((n) => `ghcr.io/example/poller:${n}`);
    const answers = { [STATE]: { outputs: {} }, ...failing(down) };
    await record(
      async () => {
        const host = hostWith({});
        await Promise.all(names.map((name) => host.tags.resolve("poller-image", name)));
      },
      { answers, preview: true },
    );
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test("lets a preview of a new bot through", async () => {
    const made = await planted({ preview: true, answers: failing(down) });
    expect(nameOf(made)).toBe(reference);
    expect(made.warnings).toEqual([expect.stringContaining("`pulumi up` will not release it.")]);
  });

  test("does not keep the digest of another tag", async () => {
    const answers = { ...failing(down), ...deployed({ name: `ghcr.io/example/poller:1.1.0@${OTHER}` }) };
    expect(nameOf(await planted({ preview: true, answers }))).toBe(reference);
  });
});

test("a registry that takes its time is waited for, and told of once", async () => {
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  const answers: NonNullable<RecordOptions["answers"]> = {
    [STATE]: { outputs: {} },
    [REGISTRY_IMAGE]: async () => {
      await vi.waitUntil(() => warn.mock.calls.length > 0);
      return { sha256Digest: DIGEST };
    },
  };
  const { result } = await record(
    () => {
      const tags = new ImageTags(hostWith({}).provider, [], 1);
      return Promise.all([tags.resolve("a-image", reference), tags.resolve("b-image", reference)]);
    },
    { answers },
  );
  expect(result).toEqual([`${reference}@${DIGEST}`, `${reference}@${DIGEST}`]);
  expect(warn.mock.calls.map(([line]) => line)).toEqual([
    expect.stringMatching(
      /^The registry ghcr\.io has not answered for 0\.001 seconds; waiting for it\. Ctrl-C/,
    ),
  ]);
});

describe("an up that can't know what to deploy", () => {
  const message = async (reason: string, registries: string[] = []) => {
    const { result } = await record(
      () =>
        hostWith({ registries })
          .tags.resolve("poller-image", reference)
          .catch((error: unknown) => error),
      { answers: { [STATE]: { outputs: {} }, ...failing(reason) } },
    );
    // Pulumi prints the message of these, and no stack.
    expect(result).toBeInstanceOf(pulumi.RunError);
    return (result as Error).message;
  };

  test("says that the registry is down", async () => {
    expect(await message(down)).toBe(
      "ghcr.io/example/poller:1.2.0 can't be released: The registry ghcr.io can't be reached from this machine (dial tcp: lookup ghcr.io: no such host). Run it again when the registry answers.",
    );
  });

  test("says that there is no such image", async () => {
    expect(await message("got bad response from registry: 404 Not Found")).toBe(
      "ghcr.io/example/poller:1.2.0 can't be released: ghcr.io has no ghcr.io/example/poller:1.2.0. Correct the bot's image, or push it.",
    );
  });

  test.each(["got bad response from registry: 401 Unauthorized", "bad credentials: 403 Forbidden"])(
    "tells a missing login from a wrong one: %s",
    async (reason) => {
      expect(await message(reason)).toBe(
        `ghcr.io/example/poller:1.2.0 can't be released: ghcr.io wants a login for ghcr.io/example/poller:1.2.0, or has no such image. Give it one with: pulumi config set --path 'botgarden:registries["ghcr.io"].username' NAME && pulumi config set --secret --path 'botgarden:registries["ghcr.io"].password'`,
      );
      expect(await message(reason, ["ghcr.io"])).toBe(
        `ghcr.io/example/poller:1.2.0 can't be released: ghcr.io refuses the login in botgarden:registries for ghcr.io/example/poller:1.2.0. Set a password that may read it with: pulumi config set --secret --path 'botgarden:registries["ghcr.io"].password'`,
      );
    },
  );
});

test("the Docker plugin gets the logins, as a secret and under the name that it knows Docker Hub by", async () => {
  const { resources } = await planted({ registries: ["ghcr.io", "docker.io"] });
  const { registryAuth } = find(resources, "pulumi:providers:docker", "host-docker").inputs;
  expect(JSON.stringify(registryAuth)).toContain("4dabf18193072939515e22adb298388d");
  expect(JSON.parse(String(plain(registryAuth)))).toEqual([
    { address: "ghcr.io", username: "me", password: "canary-yraNaC" },
    { address: "registry-1.docker.io", username: "me", password: "canary-yraNaC" },
  ]);
});
