/** What the garden makes of one bot, exactly. */
import { beforeAll, describe, expect, test } from "vitest";
import type { BotDefinition } from "../../../settings/bot.ts";
import { botDefinitions, stackValues, tokenOf } from "../support/bots.ts";
import { recordGarden } from "../support/garden.ts";
import { COMMAND, CONTAINER, canaryOf, find, plain, type Recorded } from "../support/recorder.ts";

let resources: readonly Recorded[];
beforeAll(async () => {
  ({ resources } = await recordGarden());
});

/** A command's line without the digest at its end. */
function lineOf(name: string, key: "create" | "delete" = "create", from = resources): unknown {
  const line = plain(find(from, COMMAND, name).inputs[key]);
  return typeof line === "string" ? line.replace(/ # [0-9a-f]{8}$/, "") : line;
}

function inputOf(name: string, from = resources): unknown {
  return JSON.parse(String(plain(find(from, COMMAND, name).inputs.stdin)));
}

/** A garden of one bot `hello` that differs from the sample in some settings. */
async function withHello(
  changes: Partial<BotDefinition>,
  values = stackValues,
): Promise<readonly Recorded[]> {
  const hello = { ...botDefinitions.hello, ...changes } as BotDefinition;
  return (await recordGarden({ values, definitions: { hello } })).resources;
}

describe("a bot by webhook with a database", () => {
  test("consists of these resources", () => {
    const own = resources.filter(({ name }) => name === "hello" || name.startsWith("hello-"));
    expect(own.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).toSorted()).toEqual([
      "Bot hello",
      "Command hello-database",
      "Command hello-release",
      "Command hello-releases",
      "Command hello-webhook",
      "Container hello",
      "Image hello-image",
      "RandomPassword hello-database-password",
      "RandomPassword hello-webhook-secret",
    ]);
  });

  test("is built on the host from paths that hold nothing of this machine", () => {
    expect(plain(find(resources, "docker:index/image:Image", "hello-image").inputs)).toEqual({
      imageName: "botgarden/hello:latest",
      skipPush: true,
      // A preview needs no host.
      buildOnPreview: false,
      build: {
        context: "./bots/hello",
        dockerfile: "./bots/hello/Dockerfile",
        builderVersion: "BuilderBuildKit",
        // Left out, it would be this machine's own.
        platform: "linux/amd64",
        args: {},
      },
    });
  });

  test("runs in this container", () => {
    const { envs, labels, healthcheck, ...others } = plain(
      find(resources, CONTAINER, "hello").inputs,
    ) as Record<string, unknown>;
    expect(others).toEqual({
      image: "sha256:digest-of-hello-image",
      restart: "unless-stopped",
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "3" },
      securityOpts: ["no-new-privileges:true"],
      networkMode: "bridge",
      memory: 200,
      memorySwap: 200,
      cpus: "1.5",
      user: "1000:1000",
      capabilities: { drops: ["ALL"] },
      networksAdvanced: [{ name: "botgarden" }],
      volumes: [
        { hostPath: "/etc/botgarden/postgres/ca", containerPath: "/run/botgarden/postgres", readOnly: true },
      ],
      stopTimeout: 30,
      destroyGraceSeconds: 30,
      // Its gate starts it.
      start: false,
      mustRun: false,
    });
    expect(healthcheck).toMatchObject({ interval: "1m30s", timeout: "5s", startPeriod: "30s", retries: 3 });
    const password = canaryOf("hello-database-password");
    expect(envs).toEqual([
      "BOT_NAME=hello",
      "BOT_PORT=8080",
      `BOT_TOKEN=${tokenOf("hello")}`,
      "BOT_WEBHOOK_PATH=/webhook",
      `DATABASE_URL=postgresql+asyncpg://hello:${password}@botgarden-postgres:5432/hello?ssl=verify-full`,
      "PGSSLMODE=verify-full",
      "PGSSLROOTCERT=/run/botgarden/postgres/ca.crt",
      "POSTGRES_DB=hello",
      "POSTGRES_HOST=botgarden-postgres",
      `POSTGRES_PASSWORD=${password}`,
      "POSTGRES_PORT=5432",
      "POSTGRES_USER=hello",
      "TELEGRAM_API_ROOT=https://api.telegram.org",
      "TZ=UTC",
      "WEATHER_KEY=canary-secret-hello-weatherKey-yraNaC",
      "WEBHOOK_BASE=https://bots.example.com/webhook",
      `WEBHOOK_SECRET=${canaryOf("hello-webhook-secret")}`,
      "WEBHOOK_URL=https://bots.example.com/webhook/hello",
    ]);
  });

  test("starts when its database is there", () => {
    const { dependsOn } = find(resources, CONTAINER, "hello").options;
    expect([dependsOn].flat()).toContain(find(resources, COMMAND, "hello-database").resource);
    const database = [find(resources, COMMAND, "hello-database").options.dependsOn].flat();
    expect(database).toContain(find(resources, COMMAND, "postgres-settle").resource);
  });

  test("gets its limits in Postgres in the units of Postgres", async () => {
    const others = await withHello({
      database: { connectionLimit: 7, statementTimeout: "2 minutes", idleInTransactionTimeout: "5 seconds" },
    });
    expect(inputOf("hello-database", others)).toEqual({
      verifier: expect.stringMatching(/^SCRAM-SHA-256\$/),
      connectionLimit: "7",
      statementTimeout: "120000",
      idleTimeout: "5000",
    });
    expect(lineOf("hello-database", "create", others)).toBe(
      "/opt/botgarden/bin/postgres-database ensure hello",
    );
  });

  test("gets its updates when its new container has passed the gate", () => {
    expect(lineOf("hello-release")).toBe("/opt/botgarden/bin/bot-release switch hello hello-0a1b2c3");
    expect(lineOf("hello-release", "delete")).toBe("/opt/botgarden/bin/bot-release withdraw hello");
    expect(inputOf("hello-release")).toEqual({
      processes: 256,
      port: 8080,
      // The start, and then every attempt that the health check allows.
      deadline: 30 + 3 * (90 + 5) + 10,
      settle: 5,
      grace: 30,
      stopsFirst: false,
      writesAlone: false,
      reference: "build",
      beforeDeploy: null,
      route: {
        files: {
          "resolve.upstream.conf": expect.stringContaining("server hello-0a1b2c3:8080 "),
          "resolve.location.conf": expect.stringContaining("location = /webhook/hello {"),
          "variable.location.conf": expect.stringContaining("hello-0a1b2c3:8080"),
        },
        // So that the edge can ask for it.
        secret: canaryOf("hello-webhook-secret"),
      },
    });
    const after = [find(resources, COMMAND, "hello-release").options.dependsOn].flat();
    expect(after).toContain(find(resources, CONTAINER, "hello").resource);
    expect(after).toContain(find(resources, COMMAND, "edge-offer").resource);
  });

  test("has the rate that it asks for, and pages of its own beside the webhook", async () => {
    const others = await withHello({
      webhook: { rateLimit: { perSecond: 10, burst: 20 } },
      pages: { path: "/pay", port: 9090 },
    });
    const { route } = inputOf("hello-release", others) as { route: { files: Record<string, string> } };
    expect(route.files["rate.conf"]).toMatch(/rate=10r\/s/);
    for (const form of ["resolve", "variable"]) {
      expect(route.files[`${form}.location.conf`]).toMatch(/burst=20/);
      expect(route.files[`${form}.location.conf`]).toMatch(/\^\/pay/);
    }
    expect(route.files["variable.location.conf"]).toContain("hello-0a1b2c3:9090");
  });

  test("is told to Telegram after its release, and taken back with it", () => {
    expect(lineOf("hello-webhook")).toBe("/opt/botgarden/bin/bot-webhook set hello");
    expect(lineOf("hello-webhook", "delete")).toBe("/opt/botgarden/bin/bot-webhook unset hello");
    expect(inputOf("hello-webhook")).toEqual({
      apiRoot: "https://api.telegram.org",
      token: tokenOf("hello"),
      url: "https://bots.example.com/webhook/hello",
      secret: canaryOf("hello-webhook-secret"),
      // Let's Encrypt's is trusted as it is.
      certificate: null,
      maxConnections: 60,
      allowedUpdates: ["message"],
      dropPendingUpdates: false,
    });
    const after = [find(resources, COMMAND, "hello-webhook").options.dependsOn].flat();
    expect(after).toContain(find(resources, COMMAND, "hello-release").resource);
  });

  test("takes Telegram's default updates, not the former ones, if it says none", async () => {
    const others = await withHello({ webhook: {} });
    expect(inputOf("hello-webhook", others)).toMatchObject({ allowedUpdates: null, maxConnections: 40 });
  });
});

describe("a bot that polls", () => {
  test("has a container, no route and no webhook", () => {
    const own = resources.filter(({ name }) => name === "poller" || name.startsWith("poller-"));
    expect(own.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).toSorted()).toEqual([
      "Bot poller",
      "Command poller-release",
      "Command poller-releases",
      "Command poller-webhook",
      "Container poller",
      "RemoteImage poller-image",
    ]);
    expect(inputOf("poller-release")).toMatchObject({ port: null, route: null, stopsFirst: true });
    const envs = plain(find(resources, CONTAINER, "poller").inputs.envs) as string[];
    expect(envs.map((env) => env.replace(/=.*/s, ""))).toEqual([
      "BOT_NAME",
      "BOT_TOKEN",
      "TELEGRAM_API_ROOT",
      "TZ",
    ]);
  });

  test("starts when Telegram has no webhook for it", () => {
    expect(lineOf("poller-webhook")).toBe("/opt/botgarden/bin/bot-webhook unset poller");
    expect(lineOf("poller-webhook", "delete")).toBeUndefined();
    const before = [find(resources, CONTAINER, "poller").options.dependsOn].flat();
    expect(before).toContain(find(resources, COMMAND, "poller-webhook").resource);
  });
});

test("a bot that polls can have pages: a route without a webhook", async () => {
  const poller: BotDefinition = { ...botDefinitions.poller, pages: { path: "/mini" } } as BotDefinition;
  const { resources: others } = await recordGarden({ definitions: { poller } });
  const { route, port } = inputOf("poller-release", others) as {
    route: { files: Record<string, string>; secret: unknown };
    port: unknown;
  };
  expect({ port, secret: route.secret }).toEqual({ port: null, secret: null });
  expect(Object.values(route.files).join("")).not.toContain("location = /webhook/");
  expect(route.files["variable.location.conf"]).toContain("poller-0a1b2c3:8080");
});

describe("a bot with a volume that registers itself", () => {
  test("keeps its data in a volume of its own name", () => {
    const { volumes, image, user } = plain(find(resources, CONTAINER, "shop-bot").inputs) as Record<
      string,
      unknown
    >;
    expect(volumes).toEqual([{ volumeName: "botgarden-shop-bot-data", containerPath: "/data" }]);
    expect(image).toBe("sha256:id-of-shop-bot-image");
    expect(user).toBeUndefined();
  });

  test("has a route whose secret only counts if the bot says that Telegram gets it", async () => {
    expect(inputOf("shop-bot-release")).toMatchObject({ route: { secret: null } });
    const webhook = { port: 9000, path: "/updates", registeredBy: "bot", passesSecret: true } as const;
    const shop = { ...botDefinitions["shop-bot"], webhook } as BotDefinition;
    const { resources: others } = await recordGarden({ definitions: { "shop-bot": shop } });
    expect(inputOf("shop-bot-release", others)).toMatchObject({
      route: { secret: canaryOf("shop-bot-webhook-secret") },
    });
  });

  test("is left alone until it goes", () => {
    expect(lineOf("shop-bot-webhook")).toBe("/opt/botgarden/bin/bot-webhook leave shop-bot");
    expect(lineOf("shop-bot-webhook", "delete")).toBe("/opt/botgarden/bin/bot-webhook unset shop-bot");
    expect(inputOf("shop-bot-webhook")).toEqual({
      apiRoot: "https://api.telegram.org",
      token: tokenOf("shop-bot"),
      // By which its removal knows that the webhook is its own still.
      url: "https://bots.example.com/webhook/shop-bot",
    });
  });
});

describe("nothing changes when nothing was meant", () => {
  test("the order in which a file names its variables is no change", async () => {
    const one = await withHello({ environment: () => ({ ALPHA: "1", BETA: "2" }) });
    const other = await withHello({ environment: () => ({ BETA: "2", ALPHA: "1" }) });
    expect(find(other, CONTAINER, "hello").inputs.envs).toEqual(find(one, CONTAINER, "hello").inputs.envs);
  });

  test("another run from the same settings asks for the same", async () => {
    const { resources: again } = await recordGarden();
    for (const { type, name, inputs } of resources)
      expect(find(again, type, name).inputs, name).toEqual(inputs);
  });

  test("another bot changes nothing of the garden or of the bots that are there", async () => {
    const second: BotDefinition = { image: "ghcr.io/example/second:1.0" };
    const { resources: more } = await recordGarden({ definitions: { ...botDefinitions, second } });
    for (const { type, name, inputs } of resources)
      expect(find(more, type, name).inputs, name).toEqual(inputs);
    const added = more.filter(
      (one) => !resources.some(({ type, name }) => type === one.type && name === one.name),
    );
    expect(added.length).toBeGreaterThan(5);
    for (const { name } of added) expect(name).toMatch(/^second(-|$)/);
  });
});

test("a bot without a health check is left to its image's own", async () => {
  const { health: _, ...hello } = botDefinitions.hello as BotDefinition;
  const { resources: others } = await recordGarden({ definitions: { hello: hello as BotDefinition } });
  expect(find(others, CONTAINER, "hello").inputs.healthcheck).toBeUndefined();
  expect(inputOf("hello-release", others)).toMatchObject({ deadline: 60 });
});

test("a public port other than 443 is part of every address", async () => {
  const others = await withHello(
    {},
    { ip: "203.0.113.10", host: "203.0.113.10", edge: '{"httpsPort":8443}' },
  );
  expect(inputOf("hello-webhook", others)).toMatchObject({ url: "https://203.0.113.10:8443/webhook/hello" });
  const envs = plain(find(others, CONTAINER, "hello").inputs.envs);
  expect(envs).toContain("WEBHOOK_BASE=https://203.0.113.10:8443/webhook");
});
