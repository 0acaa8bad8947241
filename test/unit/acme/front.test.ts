import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Front } from "../../../sandbox/acme/front.ts";
import { pebbleAddress, pebblePorts, startPebble } from "../../../sandbox/acme/pebble.ts";
import { pebbleProfiles } from "../../../sandbox/acme/profiles.ts";
import { run } from "../../../sandbox/engine/docker.ts";
import { ensureDocker } from "../../../sandbox/engine/ensure.ts";
import { ensureNetwork } from "../../../sandbox/vps/network.ts";
import { removeAll } from "../../../sandbox/vps/remove.ts";
import { sharedFolder } from "../support/temporary-folder.ts";
import { Account, isBadNonce, Requests } from "./acme-requests.ts";

const log = (): void => undefined;
const sandboxId = `t${randomBytes(4).toString("hex")}`;
const folder = sharedFolder();
const patience = 600_000;
let front: Front;
let ca: string;

beforeAll(async () => {
  await ensureDocker({ log });
  const network = await ensureNetwork(sandboxId);
  const container = `botgarden-${sandboxId}-acme`;
  const { address } = await pebbleAddress(network, container);
  const maker = join(import.meta.dirname, "../../../sandbox/acme/make-authority.sh");
  await run("sh", [maker, folder, `IP:${network.gateway},IP:${address}`]);
  // One alias only: without the front, Pebble would draw another profile for every second order.
  const profiles = pebbleProfiles("default", 1);
  await startPebble({ sandboxId, network, container, address, folder, profiles, nonceRejects: 0, log });
  const text = (name: string): string => readFileSync(join(folder, name), "utf8");
  ca = text("ca.pem");
  front = new Front({
    ...{ host: network.gateway, port: 0, whenNoneIsAsked: "default", log },
    ...{ certificate: text("server.pem"), key: text("server.key"), authority: ca },
    pebble: {
      acme: `https://${address}:${pebblePorts.acme}`,
      management: `https://${address}:${pebblePorts.management}`,
    },
  });
  await front.listen();
}, patience);

afterAll(async () => {
  await front.close();
  await removeAll(sandboxId, { log });
}, patience);

test("an order that Pebble gave a profile by chance is asked for again, and counts once", async () => {
  const requests = new Requests(ca);
  const directory = await requests.directory(front.directoryUrl);
  const account = new Account(requests, directory);
  await account.register();
  const order = { identifiers: [{ type: "dns", value: "tiny.test" }] };
  const answers = [];
  for (let count = 0; count < 60; count += 1) answers.push(await account.post(directory.newOrder, order));
  requests.close();
  const made = answers.filter(({ status }) => status === 201);
  expect(answers.filter(isBadNonce).length).toBe(60 - made.length);
  // All of one kind happens once in 10^18 runs.
  expect(made.length).toBeGreaterThan(0);
  expect(made.length).toBeLessThan(60);
  expect(new Set(made.map(({ body }) => body.profile))).toEqual(new Set(["default"]));
  await expect(front.counts()).resolves.toMatchObject({ newOrders: made.length });
});
