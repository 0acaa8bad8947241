/** A host whose disk is full where Docker keeps its containers, as a new release finds it; what runs goes on. */
import type { Garden } from "./garden.ts";

const folder = "/var/lib/docker/containers";
const small = "/run/small-disk";

/** From now on nothing can be written there. What was there is seen as before. */
export async function fillDisk(garden: Garden): Promise<void> {
  // An overlay whose upper part is a disk of 64 kB: filling the host's own would fill this machine's.
  await garden.onHost(`set -e
    mkdir -p ${small} && mount -t tmpfs -o size=64k tmpfs ${small}
    mkdir ${small}/upper ${small}/work
    mount -t overlay overlay -o lowerdir=${folder},upperdir=${small}/upper,workdir=${small}/work ${folder}
    head -c 1M /dev/zero >${folder}/filling 2>/dev/null || true`);
}

/** There is room again. */
export async function freeDisk(garden: Garden): Promise<void> {
  await garden.onHost(`umount ${folder} && umount ${small} && rmdir ${small}`);
}
