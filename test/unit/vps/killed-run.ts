/** A process for host.test.ts: brings a mirror and a host up; the test kills it on its way. */
import { startMirror } from "../../../sandbox/images/serve.ts";
import { createHost } from "../../../sandbox/vps/host.ts";
import { ensureNetwork } from "../../../sandbox/vps/network.ts";

const sandboxId = process.argv[2] ?? "";
const log = (line: string): void => console.log(line);
const network = await ensureNetwork(sandboxId);
const images = { source: "debian", shelf: {} } as const;
const registryMirror = await startMirror({ sandboxId, address: network.gateway, images, log });
console.log(`mirror ${registryMirror ?? ""}`);
await createHost({ sandboxId, name: "vps", network, log, registryMirror });
