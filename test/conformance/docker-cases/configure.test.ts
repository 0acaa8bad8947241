/** When the docker plugin speaks to its host: previews work before there is one. */

import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import { afterEach, expect, test } from "vitest";
import { encode, type PropertyMap } from "../../../sandbox/plugins/framework/values.ts";
import { againstOfficial, pluginFor } from "../case.ts";
import { type Plugin, promised, startPlugin } from "../harness.ts";

const network = { type: "docker:index/network:Network", name: "it" };
/** Nothing listens on the discard port. */
const NOBODY = "ssh://nobody@127.0.0.1:9";

let plugin: Plugin | undefined;

async function configured(config: PropertyMap): Promise<Plugin> {
  const running = await startPlugin(pluginFor("docker"));
  plugin = running;
  const request = new providerPb.ConfigureRequest().setArgs(encode({ version: "5.2.0", ...config }));
  // The official plugin's native half reads the settings under their old name only; the engine sends both.
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "string") request.getVariablesMap().set(`docker:config:${name}`, value);
  }
  await promised<providerPb.ConfigureResponse>((done) => running.client.configure(request, done));
  return running;
}

afterEach(async () => {
  await plugin?.stop();
  plugin = undefined;
});

test("a host that is down over ssh: the preview works, the deployment says why not", async () => {
  const down = await configured({ host: NOBODY, sshOpts: '["-o","BatchMode=yes"]' });
  const { inputs } = await down.check(network, {}, {});
  await expect(down.create(network, inputs, true)).resolves.toMatchObject({ id: "" });
  await expect(down.create(network, inputs)).rejects.toHaveProperty(
    "details",
    expect.stringMatching(
      /^1 error occurred:\n\t\* failed to create Docker client: Error pinging Docker server, please make sure that ssh:\/\/nobody@127\.0\.0\.1:9 is reachable and has a {2}'_ping' endpoint\. Error: error during connect: Head "http:\/\/docker\.example\.com\/_ping": command \[ssh -l nobody -p 9 -o BatchMode=yes -o ConnectTimeout=30 -T -- 127\.0\.0\.1 docker system dial-stdio\] has exited with exit status 255, .*stderr=ssh: connect to host 127\.0\.0\.1 port 9: /,
    ),
  );
});

test("without the daemon check the first request says so itself", async () => {
  const down = await configured({ host: NOBODY, disableDockerDaemonCheck: "true" });
  const { inputs } = await down.check(network, {}, {});
  await expect(down.create(network, inputs)).rejects.toHaveProperty(
    "details",
    expect.stringMatching(/^1 error occurred:\n\t\* Unable to create network: error during connect: /),
  );
});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    "an engine's socket that isn't there",
    "unix:///no/such.sock",
    /: failed to connect to any docker daemon$/,
  ],
  [
    "a password",
    "ssh://user:word@host",
    /: ssh host connection is not valid: invalid SSH URL: plain-text password is not supported$/,
  ],
  ["a query", "ssh://host?x=1", /invalid SSH URL: query parameters are not allowed: "x=1"$/],
  ["no address at all", "bogus", /: unable to parse docker host `bogus`$/],
];

for (const [what, host, says] of REFUSED) {
  test(`refused at once: ${what}`, async () => {
    await expect(configured({ host })).rejects.toHaveProperty(
      "details",
      expect.stringMatching(/^docker native provider returned an unexpected error from Configure: /),
    );
    await plugin?.stop();
    await expect(configured({ host })).rejects.toHaveProperty("details", expect.stringMatching(says));
  });
}

const OPTIONS: readonly (readonly [string, string])[] = [
  ["certPath", "/certs"],
  ["context", "desktop"],
];

for (const [name, value] of againstOfficial() ? [] : OPTIONS) {
  test(`refused by name: ${name}`, async () => {
    const running = await startPlugin(pluginFor("docker"));
    plugin = running;
    const request = new providerPb.CheckRequest().setUrn(
      "urn:pulumi:test::conformance::pulumi:providers:docker::it",
    );
    request.setNews(encode({ [name]: value }));
    const answer = await promised<providerPb.CheckResponse>((done) =>
      running.client.checkConfig(request, done),
    );
    expect(answer.getFailuresList().map((one) => one.getReason())).toEqual([
      expect.stringMatching(new RegExp(`^"${name}" is not supported by the sandbox's stand-in plugin: `)),
    ]);
  });
}
