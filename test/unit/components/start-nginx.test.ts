/** The watcher beside nginx: when it tries to load a replaced certificate. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runProgram } from "../support/processes.ts";

const script = fileURLToPath(new URL("../../../components/edge/start-nginx.sh", import.meta.url));

/**
 * The script's own loop with another clock, nginx and folder of certificates.
 *
 * @param found what the certificates are, by the number of the look
 * @param refused the looks at which nginx refuses the configuration
 * @returns the looks' times of waiting, and when nginx was told to load
 */
async function watched(found: string, refused: readonly number[]): Promise<string[]> {
  const program = `set -eu
    eval "$(sed -n '/^watch() {/,/^}/p' "$1")"
    configuration=x
    round=0
    looks="${found}"
    certificates() { echo "$looks" | cut -c $((round + 1)); }
    sleep() { round=$((round + 1)); if [ "$round" -ge ${found.length} ]; then return 1; fi; echo "$1"; }
    nginx() { case " ${refused.join(" ")} " in *" $round "*) return 1;; esac; }
    kill() { echo "$*"; }
    watch`;
  const ended = await runProgram("sh", ["-c", program, "sh", script]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  return ended.stdout.trim().split("\n");
}

test("a replaced certificate is loaded once, at the next look", async () => {
  expect(await watched("aabbb", [])).toEqual(["3", "3", "-HUP 1", "3", "3"]);
});

test("what nginx refuses is tried again soon, then once a minute, until it is right", async () => {
  expect(await watched("abbbbbbbbbbb", [1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual(
    [3, 1, 2, 4, 8, 16, 32, 60, 60, 60].map(String).concat("-HUP 1", "3"),
  );
});

test("the next fault is tried again soon as well", async () => {
  expect(await watched("abbbbccc", [1, 2, 5])).toEqual([
    "3",
    "1",
    "2",
    "-HUP 1",
    "3",
    "3",
    "1",
    "-HUP 1",
    "3",
  ]);
  // Also when what was wrong was taken back.
  expect(await watched("abbabb", [1, 2, 4])).toEqual(["3", "1", "2", "3", "1", "-HUP 1"]);
});
