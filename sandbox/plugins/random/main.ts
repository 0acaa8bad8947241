/** The stand-in for the official plugin random 4.21.2, as a plugin process. */
import { runProvider } from "../framework/provider.ts";
import { randomBytesResource, randomId, randomPassword, randomString, randomUuid } from "./resources.ts";

const INSTEAD =
  "use RandomPassword, RandomString, RandomId, RandomUuid or RandomBytes, or the official plugin";

await runProvider({
  name: "random",
  version: "4.21.2",
  flavour: "framework",
  noHandshake: "Handshake is not yet implemented",
  configure: () => null,
  resources: [randomPassword, randomString, randomId, randomUuid, randomBytesResource],
  refused: {
    "random:index/randomInteger:RandomInteger": INSTEAD,
    "random:index/randomPet:RandomPet": INSTEAD,
    "random:index/randomShuffle:RandomShuffle": INSTEAD,
    "random:index/randomUuid4:RandomUuid4": INSTEAD,
    "random:index/randomUuid7:RandomUuid7": INSTEAD,
  },
});
