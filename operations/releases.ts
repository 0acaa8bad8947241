/** The good releases of bots, as the host remembers them, and the way back among them. */
import { readFileSync } from "node:fs";
import type { Connection } from "../components/host/connection.ts";
import { runOnHost } from "../components/host/run-on-host.ts";
import { explainSsh } from "../components/host/ssh-error.ts";
import { shortImage } from "../settings/pins.ts";
import { plain } from "./facts.ts";
import { Failure } from "./failure.ts";
import { type Cell, type Paint, table } from "./table.ts";
import { duration } from "./words.ts";

/** A release that passed its gate. */
export interface Release {
  /** Counts up from 1. */
  readonly release: number;
  readonly container: string;
  /** The image's id. */
  readonly image: string;
  /** What the bot's file said: an image reference, or `build`; of a pinned bot `pinned sha256:…`. */
  readonly reference: string;
  /** ISO 8601. */
  readonly at: string;
  /** Whether the image is still on the host. */
  readonly there: boolean;
}

/** What releases.sh prints. */
export interface ReleaseFacts {
  /** The host's clock, Unix seconds. */
  readonly now: number;
  /** By bot, the oldest first; the last one serves. */
  readonly bots: Readonly<Record<string, readonly Release[]>>;
}

/** Asks the host, in one SSH session that changes nothing there. @throws Failure */
export async function lookAtReleases(connection: Connection): Promise<ReleaseFacts> {
  const text = readFileSync(new URL("releases.sh", import.meta.url), "utf8");
  const result = await runOnHost(connection, `${connection.asRoot}bash -s`, text);
  if (result.code !== 0) throw new Failure(explainSsh(result, connection.label).message);
  try {
    const facts: ReleaseFacts = JSON.parse(result.stdout);
    return facts;
  } catch {
    throw new Failure(
      `${connection.label} answered with something else than releases: a login script that prints?`,
    );
  }
}

/** The releases of a bot. @throws Failure if there is no such bot */
export function releasesOf(bot: string, { bots }: ReleaseFacts, label: string): readonly Release[] {
  const releases = Object.hasOwn(bots, bot) ? bots[bot] : undefined;
  if (releases !== undefined) return releases;
  const names = Object.keys(bots).map(plain);
  throw new Failure(
    `there is no bot ${bot} in the garden on ${label}. ${names.length === 0 ? "It has none" : `There are: ${names.join(", ")}`}`,
    1,
  );
}

/**
 * The release to go back to.
 *
 * @param wanted its number; without one the last release before the present one that ran another image. The way back goes
 * on from a release that was itself a way back: twice back is not there and back again.
 * @throws Failure if there is none, or its image is gone
 */
export function wayBack(bot: string, releases: readonly Release[], wanted: number | undefined): Release {
  const present = releases.at(-1);
  if (present === undefined) throw new Failure(`${bot} has no release yet that passed its gate`, 1);
  const others = releases.filter(({ image }) => image !== present.image);
  if (wanted === undefined) return last(bot, present, others, origin(present, releases));
  const found = releases.find(({ release }) => release === wanted);
  if (found === undefined) {
    throw new Failure(
      `${bot} has no release ${wanted} (any more). There are: ${releases.map(({ release }) => release).join(", ")}`,
      1,
    );
  }
  if (found.image === present.image) {
    throw new Failure(`${bot} runs the image of release ${wanted} already, as release ${present.release}`, 1);
  }
  if (!found.there) {
    throw new Failure(
      `the image of release ${wanted} of ${bot} is not on the host any more.${rest(others)}`,
      1,
    );
  }
  return found;
}

function last(bot: string, present: Release, others: readonly Release[], from: number): Release {
  const earlier = others.filter(({ release }) => release < from);
  const found = earlier.findLast(({ there }) => there);
  if (found !== undefined) return found;
  const why =
    earlier.length === 0
      ? "the host remembers no earlier release with another image"
      : "the images of its earlier releases are not on the host any more";
  throw new Failure(`${bot} cannot go back from release ${present.release}: ${why}.${rest(others)}`, 1);
}

/** Where in the history the image of a release stands: of one that was a way back, where it was first. */
function origin({ release, image, reference }: Release, releases: readonly Release[]): number {
  if (!isPin(reference)) return release;
  const first = releases.findLast((each) => each.image === image && !isPin(each.reference));
  return first?.release ?? 0;
}

/** Whether a release was a way back. */
export function isPin(reference: string): boolean {
  return /^(?:pinned )?sha256:/.test(reference);
}

function rest(others: readonly Release[]): string {
  const numbers = others.filter(({ there }) => there).map(({ release }) => release);
  return numbers.length === 0 ? "" : ` These can be had by their number: ${numbers.join(", ")}`;
}

/** A table of releases, the newest first. */
export function releaseLines(releases: readonly Release[], now: number, paint: Paint): string[] {
  const heading = ["release", "since", "image", "from", "container", ""];
  const rows = releases
    .toReversed()
    .map(({ release, at, image, reference, container, there }, index): Cell[] => [
      String(release),
      `${duration(now - Date.parse(at) / 1000)} ago`,
      plain(shortImage(image)),
      isPin(reference) ? "rollback" : plain(reference),
      plain(container),
      index === 0 ? { text: "serves", tone: "good" } : there ? "" : { text: "image is gone", tone: "quiet" },
    ]);
  return table([heading, ...rows], paint);
}
