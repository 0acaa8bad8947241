/** Images taken out of a Docker engine, kept as blobs by digest, so that a registry can serve them. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import {
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { docker, ProgramError } from "../engine/docker.ts";

/** A manifest in the store. */
export interface StoredImage {
  /** "sha256:…" of the manifest. */
  digest: string;
  mediaType: string;
  /** Bytes of the manifest. */
  size: number;
}

/** What `docker save` says about one image in its manifest.json, in both of its layouts. */
interface SavedImage {
  Config: string;
  Layers: string[];
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const configType = "application/vnd.docker.container.image.v1+json";

/** A folder of blobs. Files appear in it whole, by rename; the same one may be written twice. */
export class ImageStore {
  readonly #root: string;
  constructor(root: string) {
    this.#root = root;
  }

  /** Where a blob lies or would lie. */
  blobPath(digest: string): string {
    return join(this.#root, "blobs", digest.replace(":", "/"));
  }

  /**
   * Takes an image of the operator's engine into the store, once per image id: `docker save`, which writes
   * either the old archive (a folder a layer) or an OCI layout; both carry a manifest.json.
   */
  async take(imageId: string): Promise<StoredImage> {
    const note = join(this.#root, "images", `${imageId.replace(":", "-")}.json`);
    const known = await readFile(note, "utf8").catch(() => undefined);
    if (known !== undefined) {
      const image = JSON.parse(known) as StoredImage;
      if (existsSync(this.blobPath(image.digest))) return image;
    }
    await mkdir(join(this.#root, "images"), { recursive: true });
    await this.#removeLeftovers();
    const folder = await mkdtemp(join(this.#root, "save-"));
    try {
      await save(imageId, folder);
      const image = await this.add(folder);
      await this.#write(note, JSON.stringify(image));
      return image;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Archives of runs that were killed; an hour is more than one takes. */
  async #removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#root)) {
      const path = join(this.#root, name);
      if (!name.startsWith("save-")) continue;
      const entry = await stat(path).catch(() => undefined);
      if (entry && Date.now() - entry.mtimeMs > 3600_000) await rm(path, { recursive: true, force: true });
    }
  }

  /** Takes the unpacked archive of one `docker save` in. */
  async add(folder: string): Promise<StoredImage> {
    const saved = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as SavedImage[];
    const [image] = saved;
    await mkdir(join(this.#root, "blobs", "sha256"), { recursive: true });
    if (!image) throw new Error("docker save gave no image");
    const layers: StoredImage[] = [];
    // A layer that occurs twice is a link to the first one.
    const done = new Map<string, StoredImage>();
    for (const layer of image.Layers) {
      const path = await realpath(join(folder, layer));
      const blob = done.get(path) ?? (await this.#addFile(path, await layerType(path)));
      done.set(path, blob);
      layers.push(blob);
    }
    const config = await this.#addFile(await realpath(join(folder, image.Config)), configType);
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers });
    const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
    await this.#write(this.blobPath(digest), manifest);
    return { digest, mediaType: manifestType, size: Buffer.byteLength(manifest) };
  }

  async #addFile(path: string, mediaType: string): Promise<StoredImage> {
    const digest = `sha256:${await hashOf(path)}`;
    const { size } = await stat(path);
    // A second name, since another one in the folder may still lead to the file. Renaming onto the same file
    // does nothing and leaves the first name, hence the removal.
    const temporary = `${this.blobPath(digest)}.${randomBytes(4).toString("hex")}`;
    await link(path, temporary);
    await rename(temporary, this.blobPath(digest));
    await rm(temporary, { force: true });
    return { mediaType, digest, size };
  }

  async #write(path: string, text: string): Promise<void> {
    const temporary = `${path}.${randomBytes(4).toString("hex")}`;
    await writeFile(temporary, text);
    await rename(temporary, path);
  }
}

/** `docker save | tar -x`: nothing of the archive is held in memory or lies on disk twice. */
async function save(imageId: string, folder: string): Promise<void> {
  await docker(["image", "inspect", imageId]);
  const from = spawn("docker", ["save", imageId], { stdio: ["ignore", "pipe", "inherit"] });
  const to = spawn("tar", ["-x", "-C", folder], { stdio: ["pipe", "ignore", "inherit"] });
  // tar may be done before it has read the archive's padding; whether all went well, the exit codes tell.
  const piped = pipeline(from.stdout, to.stdin).catch((error: NodeJS.ErrnoException) => {
    if (!["ERR_STREAM_PREMATURE_CLOSE", "EPIPE"].includes(error.code ?? "")) throw error;
  });
  await Promise.all([ended(from, "docker save"), ended(to, "tar -x"), piped]);
}

function ended(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new ProgramError(program, code, "the image could not be taken out of the engine"));
    });
  });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Engines with the containerd store save layers as they were pulled, others as plain tar. */
async function layerType(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return "application/vnd.docker.image.rootfs.diff.tar.gzip";
    if (buffer.readUInt32LE(0) === 0xfd2fb528) return "application/vnd.oci.image.layer.v1.tar+zstd";
    return "application/vnd.docker.image.rootfs.diff.tar";
  } finally {
    await file.close();
  }
}
