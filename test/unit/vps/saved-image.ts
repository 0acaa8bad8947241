/** Writes what `docker save` writes, unpacked, in its two layouts, around layers of a few bytes. */
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export function digestOf(content: Buffer | string): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

const write = (folder: string, path: string, content: Buffer | string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
};

export const config = '{"architecture":"amd64","os":"linux"}';

/** Engines before 25: a folder a layer; a layer that occurs twice is a link to the first one's file. */
export function writeArchive(folder: string, layers: readonly Buffer[]): void {
  const names = layers.map((layer, index) => {
    const path = `layer${index}/layer.tar`;
    const first = layers.findIndex((other) => other.equals(layer));
    if (first === index) write(folder, path, layer);
    else {
      mkdirSync(join(folder, `layer${index}`));
      symlinkSync(`../layer${first}/layer.tar`, join(folder, path));
    }
    return path;
  });
  write(folder, "config.json", config);
  write(folder, "manifest.json", JSON.stringify([{ Config: "config.json", RepoTags: null, Layers: names }]));
}

/** Engines since 25: an OCI layout, with a manifest.json beside it. */
export function writeOciLayout(folder: string, layers: readonly Buffer[]): void {
  const blob = (content: Buffer | string): string => {
    const path = `blobs/sha256/${digestOf(content).slice(7)}`;
    write(folder, path, content);
    return path;
  };
  const names = layers.map(blob);
  write(folder, "oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  write(folder, "manifest.json", JSON.stringify([{ Config: blob(config), RepoTags: null, Layers: names }]));
}
