/** Which release a bot goes back to, and how they are shown. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Connection, connectionTo } from "../../../components/host/connection.ts";
import { Failure } from "../../../operations/failure.ts";
import {
  lookAtReleases,
  type Release,
  releaseLines,
  releasesOf,
  wayBack,
} from "../../../operations/releases.ts";
import { findClient } from "../support/programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { ago, now } from "./garden-facts.ts";

const idOf = (letter: string) => `sha256:${letter.repeat(64)}`;

/** A history, the oldest first: a letter is an image, `^` after it a release that was a way back, `!` an image that is gone. */
function history(words: string, from = 1): Release[] {
  return words.split(" ").map((word, index) => {
    const image = idOf(word[0] ?? "");
    return {
      release: from + index,
      container: `hello-${index}`,
      image,
      reference: word.includes("^") ? `pinned ${image}` : "build",
      at: ago(600 - 60 * index),
      there: !word.includes("!"),
    };
  });
}

function back(words: string, wanted?: number): number | string {
  try {
    return wayBack("hello", history(words), wanted).release;
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).exitCode).toBe(1);
    return (error as Failure).message;
  }
}

describe("the way back", () => {
  test.each([
    ["a b", 1],
    ["a b c", 2],
    // A release of the same image, say with another setting, is no other image.
    ["a b b b", 1],
    ["a b a", 2],
    // A way back is where its image was first: not there and back again.
    ["a b c b^", 1],
    ["a b c b^ a^", "hello cannot go back from release 5: the host remembers no earlier release"],
    // From a new release after a way back, the way back was good.
    ["a b a^ c", 3],
    ["a b! c", 1],
    ["a! b! c", "the images of its earlier releases are not on the host any more"],
    ["a", "hello cannot go back from release 1: the host remembers no earlier release with another image"],
    ["a a", "no earlier release with another image"],
    // Its first release is forgotten, so nobody knows what was before it.
    ["b c a^", "no earlier release with another image. These can be had by their number: 1, 2"],
  ])("from %s", (words, expected) => {
    if (typeof expected === "number") expect(back(words)).toBe(expected);
    else expect(back(words)).toContain(expected);
  });

  test.each([
    ["a b c", 1, 1],
    ["a b c b^", 3, 3],
    ["a b c", 3, "hello runs the image of release 3 already, as release 3"],
    ["a b a", 1, "hello runs the image of release 1 already, as release 3"],
    ["a b c", 9, "hello has no release 9 (any more). There are: 1, 2, 3"],
    [
      "a b! c",
      2,
      "the image of release 2 of hello is not on the host any more. These can be had by their number: 1",
    ],
  ])("from %s to release %i", (words, wanted, expected) => {
    if (typeof expected === "number") expect(back(words, wanted)).toBe(expected);
    else expect(back(words, wanted)).toContain(expected);
  });

  test("of a bot without a good release", () => {
    expect(() => wayBack("hello", [], undefined)).toThrow(/^hello has no release yet that passed its gate$/);
  });
});

test("a bot that is not there is named with those that are", () => {
  const facts = { now: 0, bots: { hello: [], shop: [] } };
  expect(releasesOf("shop", facts, "host")).toEqual([]);
  for (const name of ["shopp", "constructor"]) {
    expect(() => releasesOf(name, facts, "root@203.0.113.5")).toThrow(
      `there is no bot ${name} in the garden on root@203.0.113.5. There are: hello, shop`,
    );
  }
});

test("releases are shown with the newest first", () => {
  const [first, ...others] = history("a! b c^", 11);
  if (first === undefined) throw new Error("no history");
  const releases = [{ ...first, reference: "ghcr.io/me/hello:1\u001b[31m" }, ...others];
  expect(releaseLines(releases, Date.parse(now) / 1000, (text) => text)).toEqual([
    "release  since       image                from                     container",
    "───────  ──────────  ───────────────────  ───────────────────────  ─────────  ─────────────",
    "13       8 min ago   sha256:cccccccccccc  rollback                 hello-2    serves",
    "12       9 min ago   sha256:bbbbbbbbbbbb  build                    hello-1",
    "11       10 min ago  sha256:aaaaaaaaaaaa  ghcr.io/me/hello:1 [31m  hello-0    image is gone",
  ]);
});

describe("the look at the host", () => {
  /** A host with records and images; containers tell of bots without records. */
  async function host(records: Readonly<Record<string, string>>, docker?: string): Promise<Connection> {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "bin"));
    for (const [file, text] of Object.entries(records)) {
      mkdirSync(join(folder, "releases", file, ".."), { recursive: true });
      writeFileSync(join(folder, "releases", file), text);
    }
    const jq = await findClient("jq");
    const programs = {
      docker:
        docker ??
        `case "$1 $2" in "ps -a") printf 'hello\\nfresh\\n';; "image ls") printf '%s\\n' ${idOf("b")} ${idOf("b")};; *) exit 1;; esac`,
      jq: `LD_LIBRARY_PATH='${jq.env.LD_LIBRARY_PATH ?? ""}' exec ${jq.path} "$@"`,
    };
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(folder, "bin", name), `#!/bin/bash\n${text}\n`);
      chmodSync(join(folder, "bin", name), 0o755);
    }
    const ssh = connectionTo({ host: { kind: "ssh", user: "root", address: "203.0.113.10", port: 22 } });
    const moved = `sed 's|/var/lib/botgarden|${folder}|' | PATH='${folder}/bin':/usr/bin:/bin bash -s`;
    return { ...ssh, freshInterpreter: ["/bin/sh", "-c", `[ "$1" = "bash -s" ] || exit 9; ${moved}`, "sh"] };
  }

  const record = (release: number, letter: string) => {
    const at = "2026-11-21T15:33:32Z";
    return { release, container: `hello-${release}`, image: idOf(letter), reference: "build", at };
  };

  test("gives every record in order, with whether its image is there, and bots without records", async () => {
    const connection = await host({
      "hello/9.json": JSON.stringify(record(9, "a")),
      "hello/10.json": JSON.stringify(record(10, "b")),
      "hello/route.json": '{"secret":"do not tell"}',
      "hello/images": "sha256:x",
      "gone/1.json": JSON.stringify(record(1, "b")),
    });
    const { bots } = await lookAtReleases(connection);
    expect(bots).toEqual({
      fresh: [],
      gone: [{ ...record(1, "b"), there: true }],
      hello: [
        { ...record(9, "a"), there: false },
        { ...record(10, "b"), there: true },
      ],
    });
  });

  test("a host without a garden has none; one whose Docker does not answer is told with its words", async () => {
    expect((await lookAtReleases(await host({}, "exit 0"))).bots).toEqual({});
    const down = await host({}, "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    await expect(lookAtReleases(down)).rejects.toThrow(/Cannot connect to the Docker daemon/);
  });
});
