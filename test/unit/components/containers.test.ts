/** Rules that hold for every container of a whole garden. */
import { beforeAll, expect, test } from "vitest";
import { recordGarden } from "../support/garden.ts";
import { allOf, CONTAINER, find, plain, type Recorded } from "../support/recorder.ts";

let resources: readonly Recorded[];
beforeAll(async () => {
  ({ resources } = await recordGarden());
});

interface ContainerInputs {
  readonly name?: string;
  readonly memory?: number;
  readonly memorySwap?: number;
  readonly privileged?: boolean;
  readonly capabilities?: { readonly adds?: readonly string[]; readonly drops?: readonly string[] };
  readonly destroyGraceSeconds?: number;
  readonly networkMode?: string;
  readonly networksAdvanced?: readonly { readonly name: string }[];
  readonly healthcheck?: object;
  readonly ports?: readonly object[];
  readonly volumes?: readonly { readonly hostPath?: string; readonly readOnly?: boolean }[];
  readonly labels?: readonly { readonly label: string; readonly value: string }[];
}

const inputs = () =>
  allOf(resources, CONTAINER).map((one) => ({ one, args: plain(one.inputs) as ContainerInputs }));

test("the garden has one each for the edge, certbot, Postgres and every bot", () => {
  expect(
    allOf(resources, CONTAINER)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(["certbot", "edge", "hello", "poller", "postgres", "shop-bot"]);
});

test("each has a memory limit, and no swap beyond it", () => {
  for (const { one, args } of inputs()) {
    expect(args.memory, one.name).toBeGreaterThan(0);
    expect(args.memorySwap, one.name).toBe(args.memory);
  }
});

test("each starts again, keeps little log, and has nothing that it does not need", () => {
  for (const { one, args } of inputs()) {
    expect(args, one.name).toMatchObject({
      restart: "unless-stopped",
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "3" },
      securityOpts: ["no-new-privileges:true"],
      capabilities: { drops: ["ALL"] },
    });
    expect(args.privileged, one.name).toBeUndefined();
  }
});

test("only the edge and Postgres keep capabilities, which their entry points need to step down", () => {
  for (const { one, args } of inputs()) {
    const adds = args.capabilities?.adds ?? [];
    if (one.name === "edge" || one.name === "postgres") {
      expect(adds).toEqual(expect.arrayContaining(["CAP_SETGID", "CAP_SETUID"]));
      expect(adds).not.toContain("CAP_SYS_ADMIN");
    } else expect(adds, one.name).toEqual([]);
  }
});

test("each is given time to stop", () => {
  for (const { one, args } of inputs()) expect(args.destroyGraceSeconds, one.name).toBeGreaterThan(0);
});

test("each is on the garden's network and on no other", () => {
  for (const { one, args } of inputs()) {
    expect(
      args.networksAdvanced?.map(({ name }) => name),
      one.name,
    ).toEqual(["botgarden"]);
    expect(args.networkMode, one.name).not.toBe("host");
  }
});

test("a changed health check replaces the container, as the plugin would ignore it", () => {
  const checked = inputs().filter(({ args }) => args.healthcheck !== undefined);
  expect(checked.map(({ one }) => one.name).toSorted()).toEqual(["edge", "hello", "postgres", "shop-bot"]);
  for (const { one } of checked) expect(one.options.replaceOnChanges, one.name).toContain("healthcheck");
});

test("the edge has the two public ports, and nothing else has any", () => {
  for (const { one, args } of inputs()) {
    if (one.name === "edge") {
      expect(args.ports).toEqual([
        { internal: 80, external: 80 },
        { internal: 443, external: 443 },
      ]);
    } else expect(args.ports, one.name).toBeUndefined();
  }
});

test("none sees the engine's socket, and only certbot writes into the host's folders", () => {
  const written: string[] = [];
  for (const { one, args } of inputs()) {
    for (const { hostPath, readOnly } of args.volumes ?? []) {
      if (hostPath === undefined) continue;
      expect(hostPath, one.name).toMatch(/^\/(etc|var\/lib)\/botgarden\/[a-z-]+/);
      if (readOnly !== true) written.push(`${one.name} ${hostPath}`);
    }
  }
  expect(written.toSorted()).toEqual([
    "certbot /etc/botgarden/certificates",
    "certbot /var/lib/botgarden/acme",
    "certbot /var/lib/botgarden/acme-challenges",
  ]);
});

test("what must not run twice at a time is stopped before it is replaced, and nothing else is", () => {
  const stopped = allOf(resources, CONTAINER).map(({ name, options }) => [name, options.deleteBeforeReplace]);
  expect(Object.fromEntries(stopped)).toEqual({
    certbot: true,
    edge: true,
    postgres: true,
    // The gate of a bot's release stops what must not run beside it, and starts it again if the release fails.
    hello: false,
    poller: false,
    "shop-bot": false,
  });
  for (const bot of ["hello", "poller", "shop-bot"]) {
    expect(plain(find(resources, CONTAINER, bot).inputs)).toMatchObject({ start: false, mustRun: false });
  }
});

test("a container that is replaced beside its predecessor has no fixed name", () => {
  for (const { one, args } of inputs()) {
    if (one.options.deleteBeforeReplace !== true) expect(args.name, one.name).toBeUndefined();
  }
});

test("the labels tell whose each is", () => {
  for (const { one, args } of inputs()) {
    const labels = Object.fromEntries((args.labels ?? []).map(({ label: key, value }) => [key, value]));
    expect(labels["botgarden.garden"], one.name).toBe("unit");
    expect(labels["botgarden.part"], one.name).toMatch(/^(edge|certbot|postgres|bot)$/);
    if (labels["botgarden.part"] === "bot") expect(labels["botgarden.bot"]).toBe(one.name);
  }
});
