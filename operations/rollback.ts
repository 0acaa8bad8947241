/**
 * `npm run rollback -- BOT`: a bot runs the image of an earlier release again, from the host itself and without any registry.
 * The image is pinned in the stack's settings, so that later runs of `pulumi up` leave it and tell of it. Ends with 0, with 1
 * if the bot could not go back, with 2 if nobody could look.
 */
import { parseArgs } from "node:util";
import { PINS, pinKey, shortImage, unpin, WITHOUT_REGISTRIES } from "../settings/pins.ts";
import { Failure } from "./failure.ts";
import { otherChanges, planErrors, readPlan } from "./other-changes.ts";
import {
  isPin,
  lookAtReleases,
  type Release,
  type ReleaseFacts,
  releaseLines,
  releasesOf,
  wayBack,
} from "./releases.ts";
import { outlivingSignals, pulumi, readStack, type Stack, showPulumi } from "./stack.ts";
import { painter } from "./table.ts";

/** Another bot's registry may be what is wrong, and an image of the host needs none. */
const withoutRegistries = { [WITHOUT_REGISTRIES]: "1" };

const usage = `usage: npm run rollback -- BOT [N] [OPTIONS]
  BOT             the bot that goes back
  N               to this release; without it to the last one before that had another image
  --list          only shows the releases; also without BOT
  --with-other-changes
                  deploys what else has changed in the working copy, instead of refusing
  --stack NAME    a stack that is not the selected one`;

export async function run(args: string[]): Promise<number> {
  const options = optionsOf(args);
  const { bot, number, list, stack: name, help } = options;
  if (help) {
    console.log(usage);
    return 0;
  }
  const stack = await readStack(name);
  const facts = await lookAtReleases(stack.connection);
  if (bot === undefined) {
    for (const each of Object.keys(facts.bots)) show(each, facts.bots[each] ?? [], facts);
    console.log(usage);
    return list ? 0 : 2;
  }
  const releases = releasesOf(bot, facts, stack.connection.label);
  show(bot, releases, facts);
  if (!list) {
    const target = wayBack(bot, releases, number);
    const withOthers = options["with-other-changes"];
    // Whenever Ctrl-C comes, the pin is there if the bot went back, and not otherwise.
    await outlivingSignals((interrupted) => goBack(bot, target, stack, { withOthers, interrupted }));
  }
  return 0;
}

function show(bot: string, releases: readonly Release[], { now }: ReleaseFacts): void {
  console.log(`${bot}:${releases.length === 0 ? " no release yet that passed its gate" : ""}`);
  if (releases.length === 0) return;
  for (const line of releaseLines(releases, now, painter(process.stdout, process.env)))
    console.log(`  ${line}`);
  console.log("");
}

interface HowToGoBack {
  readonly withOthers: boolean;
  readonly interrupted: () => boolean;
}

/** @throws Failure */
async function goBack(bot: string, target: Release, stack: Stack, how: HowToGoBack): Promise<void> {
  const { release, image, reference } = target;
  console.log(`${bot} goes back to the image of release ${release}, ${shortImage(image)}`);
  await pin(bot, image, stack);
  const reason = how.withOthers || how.interrupted() ? undefined : await whyNot(bot, stack);
  if (how.interrupted()) return refuse(bot, stack, "it was interrupted");
  if (reason !== undefined) return refuse(bot, stack, reason);
  const code = await showPulumi(
    ["up", "--yes", "--skip-preview", "--suppress-outputs", ...stack.words],
    // What goes along may well be pulled or built, with all that this needs.
    how.withOthers ? {} : withoutRegistries,
  );
  const present = await presentImage(bot, stack);
  // A host that cannot be asked any more was asked by pulumi.
  if (present !== image && !(present === undefined && code === 0)) {
    await takeBack(bot, stack);
    const why = code === 0 ? "the host knows of no such release" : "pulumi up failed, as it says above";
    throw new Failure(
      `${bot} did not go back: ${why}. What ran before goes on, and the pin was taken back: ` +
        "the settings are as they were, and pulumi up makes the stack agree with them",
      1,
    );
  }
  if (code !== 0) {
    throw new Failure(
      `${bot} runs the image of release ${release} again and is pinned to it, but pulumi up did not end well, as it says above. Run it again: pulumi up${named(stack)}`,
      1,
    );
  }
  console.log(
    `${bot} runs the image of release ${release} again, and stays with it over every pulumi up, which tells so.\n` +
      `${agreement(bot, reference)} Then: ${unpin(bot)}${named(stack)} && pulumi up${named(stack)}`,
  );
}

/** Nothing that nobody deployed yet rides along. @returns why the bot cannot go back; undefined if it can */
async function whyNot(bot: string, stack: Stack): Promise<string | undefined> {
  console.log("asking pulumi preview what else would change");
  const args = ["preview", "--json", "--non-interactive", ...stack.words];
  const { code, stdout, stderr } = await pulumi(args, { variables: withoutRegistries });
  const plan = readPlan(stdout);
  if (code !== 0 || plan === undefined) {
    const reasons = plan === undefined ? [] : planErrors(plan);
    return `pulumi preview failed:\n${reasons.join("\n") || stderr.trim()}`;
  }
  const others = otherChanges(bot, plan);
  if (others.length === 0) return undefined;
  return (
    `pulumi up would change more than ${bot}:\n${others.map((line) => `  ${line}\n`).join("")}` +
    "Put the working copy to what was deployed last (git stash), or let all of it go along: " +
    `npm run rollback -- ${bot} --with-other-changes${named(stack)}`
  );
}

/** Ends the way back before anything but the pin was touched. @throws Failure, with the pin as it was before */
async function refuse(bot: string, stack: Stack, reason: string): Promise<never> {
  await takeBack(bot, stack);
  throw new Failure(`${bot} did not go back, and nothing was changed: ${reason}`, 1);
}

/** The image of the release that serves, as the host remembers it; undefined if it cannot be asked. */
async function presentImage(bot: string, { connection }: Stack): Promise<string | undefined> {
  try {
    return (await lookAtReleases(connection)).bots[bot]?.at(-1)?.image;
  } catch {
    return undefined;
  }
}

/** The end of a command to type: which stack, if it is not the selected one. */
function named({ words }: Stack): string {
  return words.map((word) => ` ${word}`).join("");
}

function agreement(bot: string, reference: string): string {
  if (isPin(reference)) return `Let bots/${bot}.ts and its source say what is right.`;
  return reference === "build"
    ? `Bring the source of ${bot} back to what that release was built from, or correct it.`
    : `Let bots/${bot}.ts say image: "${reference}", or an image that is right.`;
}

/** Sets a bot's pin. @throws Failure */
function pin(bot: string, image: string, stack: Stack): Promise<void> {
  return configure(["set", "--plaintext", "--path", pinKey(bot), image], bot, stack);
}

/** The bot's pin as it was before. @throws Failure */
async function takeBack(bot: string, stack: Stack): Promise<void> {
  const { pins } = stack;
  const former = pins?.[bot];
  if (former !== undefined) return pin(bot, former, stack);
  // Pulumi leaves an empty section behind.
  const gone = pins === undefined ? [PINS] : ["--path", pinKey(bot)];
  return configure(["rm", ...gone], bot, stack);
}

/** @throws Failure */
async function configure(change: readonly string[], bot: string, { words }: Stack): Promise<void> {
  const write = () => pulumi(["config", ...change, "--non-interactive", ...words], { apart: true });
  const first = await write();
  // Ctrl-C may have reached it in the moment before it stood apart.
  const { code, stderr } = first.code !== 0 && first.stderr === "" ? await write() : first;
  if (code !== 0) throw new Failure(`the setting ${pinKey(bot)} cannot be written: ${stderr.trim()}`);
}

function optionsOf(args: string[]) {
  const { values, positionals } = parse(args);
  const [bot, release, ...more] = positionals;
  if (more.length > 0) throw new Failure(`give one bot and at most one release\n${usage}`);
  if (bot !== undefined && !/^[a-z][a-z0-9-]*$/.test(bot))
    throw new Failure(`"${bot}" is not a bot's name\n${usage}`);
  if (release !== undefined && !/^[1-9]\d{0,8}$/.test(release)) {
    throw new Failure(`"${release}" is not the number of a release\n${usage}`);
  }
  return { bot, number: release === undefined ? undefined : Number(release), ...values };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        list: { type: "boolean", default: false },
        "with-other-changes": { type: "boolean", default: false },
        stack: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : "wrong options"}\n${usage}`);
  }
}
