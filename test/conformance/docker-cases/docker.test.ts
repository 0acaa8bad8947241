import { afterAll, beforeAll } from "vitest";
import { play } from "../case.ts";
import { bareContainer } from "./container-bare.ts";
import { fullContainer } from "./container-full.ts";
import { makeFixtures, removeFixtures } from "./fixtures.ts";
import { image } from "./image.ts";
import { network } from "./network.ts";
import { remoteImage, remoteImageBuild } from "./remote-image.ts";
import { volume } from "./volume.ts";

beforeAll(makeFixtures);
afterAll(removeFixtures);

for (const cases of [network, volume, remoteImage, remoteImageBuild, image, bareContainer, fullContainer])
  play(cases);
