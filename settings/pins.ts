/** Pins: bots that are held at an image of the host, whatever their files say. `npm run rollback` sets them. */
import * as z from "zod";
import type { BotSettings } from "./bot.ts";
import type { Fault } from "./fault.ts";
import { setting } from "./schema.ts";
import { closest, shownPath } from "./shown.ts";

/** The environment variable with which no registry is asked: going back to an image of the host needs none. */
export const WITHOUT_REGISTRIES = "BOTGARDEN_WITHOUT_REGISTRIES";

/** The stack's section `pins`: bot → id of an image on the host. */
export const pinsSchema = setting(
  z.record(
    z.string(),
    setting(z.string().regex(/^sha256:[0-9a-f]{64}$/), {
      description: "",
      type: "image id",
      allowed: 'the id of an image on the host, "sha256:" and 64 hex digits',
      example: `sha256:${"0".repeat(64)}`,
    }),
  ),
  {
    description:
      "Bots that run an image of an earlier release, by the image's id on the host, whatever their files say. `npm run rollback -- BOT` sets it; `pulumi config rm --path botgarden:pins.BOT` ends it. A change is a release, without `beforeDeploy`.",
    type: "object of image ids",
    allowed: "an object with the id of an image for each bot",
    example: `{"hello": "sha256:${"0".repeat(64)}"}`,
  },
);

/** The key of all pins in Pulumi's configuration. */
export const PINS = "botgarden:pins";

/** The key of a bot's pin in Pulumi's configuration, for `pulumi config` with `--path`. */
export function pinKey(bot: string): string {
  return `botgarden:${shownPath(["pins", bot])}`;
}

/** The command that ends a pin. */
export function unpin(bot: string): string {
  return `pulumi config rm --path '${pinKey(bot)}'`;
}

/** An image's id, short as Docker shows it: `sha256:0123456789ab`. */
export function shortImage(id: string): string {
  return id.slice(0, "sha256:".length + 12);
}

/**
 * Gives each bot its pin.
 *
 * @param where the file in which the user finds the pins
 * @returns the bots, and a fault for each pin of a bot that is not there
 */
export function withPins(
  bots: readonly BotSettings[],
  pins: Readonly<Record<string, string>>,
  where: string,
): { bots: BotSettings[]; faults: Fault[] } {
  const names = bots.map(({ name }) => name);
  const unknown = Object.keys(pins).filter((name) => !names.includes(name));
  return {
    bots: bots.map((bot) => {
      const pin = Object.hasOwn(pins, bot.name) ? pins[bot.name] : undefined;
      return pin === undefined ? bot : { ...bot, pin };
    }),
    faults: unknown.map((name) => {
      const near = closest(name, names);
      return {
        where,
        path: pinKey(name),
        problem: "pins a bot that is not in bots/",
        fix: `${near === undefined ? "" : `Did you mean ${near}? `}Remove it with: ${unpin(name)}`,
      };
    }),
  };
}

/** What a preview and an `up` say about each pinned bot, so that nobody forgets a pin. */
export function pinWarnings(bots: readonly BotSettings[]): string[] {
  return bots.flatMap(({ name, pin, file, image }) => {
    if (pin === undefined) return [];
    const says = image.kind === "reference" ? image.reference : "that it is built";
    return `${name} is pinned to ${shortImage(pin)}, while ${file} says ${says}. When the code is right: ${unpin(name)} && pulumi up`;
  });
}
