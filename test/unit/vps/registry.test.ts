import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRegistry, type Shelf } from "../../../sandbox/images/registry.ts";
import { ImageStore } from "../../../sandbox/images/store.ts";
import { config, digestOf, writeArchive, writeOciLayout } from "./saved-image.ts";

const plain = Buffer.from("a layer as a tar\n".repeat(100));
const packed = gzipSync(plain);
const plainType = "application/vnd.docker.image.rootfs.diff.tar";

let folder = "";
let base = "";
let shelf: Record<string, Shelf[string]> = {};
let stop: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "registry-"));
  const store = new ImageStore(join(folder, "store"));
  writeArchive(join(folder, "old"), [plain, packed, plain]);
  writeOciLayout(join(folder, "new"), [packed]);
  shelf = {
    "library/old:1": await store.add(join(folder, "old")),
    "library/new:1": await store.add(join(folder, "new")),
  };
  const server = createRegistry({ store, shelf: () => shelf, log: () => undefined });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stop = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Manifest {
  mediaType: string;
  config: { digest: string; size: number };
  layers: { digest: string; size: number; mediaType: string }[];
}

async function manifest(path: string): Promise<{ response: Response; text: string; manifest: Manifest }> {
  const response = await fetch(`${base}/v2/${path}`);
  const text = await response.text();
  return { response, text, manifest: JSON.parse(text) as Manifest };
}

describe("a pull", () => {
  test("finds the version of the API", async () => {
    const response = await fetch(`${base}/v2/`);
    expect(response.status).toBe(200);
    expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
  });

  test("gets the manifest by tag, then the same by digest", async () => {
    const byTag = await manifest("library/old/manifests/1");
    const digest = byTag.response.headers.get("docker-content-digest") ?? "";
    expect(digest).toBe(digestOf(byTag.text));
    expect(byTag.response.headers.get("content-type")).toBe(byTag.manifest.mediaType);
    const byDigest = await manifest(`library/old/manifests/${digest}?ns=docker.io`);
    expect(byDigest.text).toBe(byTag.text);
  });

  test("HEAD tells digest, type and size without a body", async () => {
    const { text } = await manifest("library/old/manifests/1");
    const head = await fetch(`${base}/v2/library/old/manifests/1`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
    expect(head.headers.get("docker-content-digest")).toBe(digestOf(text));
    expect(await head.text()).toBe("");
  });

  test("an old archive has its layers in order, one that occurs twice too, and each type is told", async () => {
    const { layers, config: settings } = (await manifest("library/old/manifests/1")).manifest;
    expect(layers).toEqual([
      { digest: digestOf(plain), size: plain.length, mediaType: plainType },
      { digest: digestOf(packed), size: packed.length, mediaType: `${plainType}.gzip` },
      { digest: digestOf(plain), size: plain.length, mediaType: plainType },
    ]);
    expect(settings.digest).toBe(digestOf(config));
  });

  test("every blob of an OCI layout has the bytes that its digest says", async () => {
    const { layers, config: settings } = (await manifest("library/new/manifests/1")).manifest;
    for (const { digest, size } of [...layers, settings]) {
      const response = await fetch(`${base}/v2/library/new/blobs/${digest}`);
      const content = Buffer.from(await response.arrayBuffer());
      expect(content.length).toBe(size);
      expect(digestOf(content)).toBe(digest);
    }
  });

  test("a broken download goes on where it stopped", async () => {
    const response = await fetch(`${base}/v2/library/old/blobs/${digestOf(plain)}`, {
      headers: { range: "bytes=100-" },
    });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes 100-${plain.length - 1}/${plain.length}`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(plain.subarray(100));
    const beyond = await fetch(`${base}/v2/library/old/blobs/${digestOf(plain)}`, {
      headers: { range: `bytes=${plain.length}-` },
    });
    expect(beyond.status).toBe(416);
  });

  test("an image that is put on the shelf later is there at once", async () => {
    expect((await fetch(`${base}/v2/library/old/manifests/2`)).status).toBe(404);
    const image = shelf["library/old:1"];
    if (image) shelf["library/old:2"] = image;
    expect((await fetch(`${base}/v2/library/old/manifests/2`)).status).toBe(200);
  });
});

describe("what is not here", () => {
  test.each([
    ["an unknown tag", "library/old/manifests/9", 404, "MANIFEST_UNKNOWN"],
    ["an unknown name", "library/other/manifests/1", 404, "MANIFEST_UNKNOWN"],
    ["another registry's image", "library/old/manifests/1?ns=quay.io", 404, "NAME_UNKNOWN"],
    ["the digest of another name's image", "library/none/manifests/DIGEST", 404, "MANIFEST_UNKNOWN"],
    ["an unknown blob", `library/old/blobs/sha256:${"0".repeat(64)}`, 404, "BLOB_UNKNOWN"],
    ["a blob that is no digest", "library/old/blobs/latest", 400, "DIGEST_INVALID"],
    ["a way out of the store", "library/old/blobs/..%2F..%2Fetc%2Fpasswd", 404, "NAME_UNKNOWN"],
    ["another part of the API", "library/old/tags/list", 404, "NAME_UNKNOWN"],
  ])("%s", async (_, path, status, code) => {
    const known = shelf["library/old:1"]?.digest ?? "";
    const response = await fetch(`${base}/v2/${path.replace("DIGEST", known)}`);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ code }] });
  });

  test("nothing can be pushed", async () => {
    const response = await fetch(`${base}/v2/library/old/blobs/uploads/`, { method: "POST" });
    expect(response.status).toBe(405);
  });
});
