/** The images that a benchmark needs besides the garden's own. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { withLock } from "../engine/lock.ts";
import { ensureBase } from "../images/base.ts";
import { hashFolder } from "../images/content-hash.ts";
import { buildImage } from "../images/ensure.ts";
import { hasImage } from "../images/machine.ts";

/** Each has a folder with a Dockerfile below images/. */
export type BenchImage = "load" | "haproxy" | "caddy";

/** The name of an image of the benchmark in the operator's engine; made from Debian forky when it is missing. */
export async function benchImage(image: BenchImage, log: (line: string) => void): Promise<string> {
  const folder = join(import.meta.dirname, "images", image);
  const base = await ensureBase("forky", log);
  const hash = createHash("sha256").update(JSON.stringify([base, await hashFolder(folder)]));
  const name = `botgarden/bench-${image}:${hash.digest("hex").slice(0, 12)}`;
  await withLock(`image-bench-${image}`, log, async () => {
    if (await hasImage(name)) return;
    log(`making the image of ${image} from Debian's packages (once)`);
    await buildImage({ name, folder, base, args: {} });
  });
  return name;
}
