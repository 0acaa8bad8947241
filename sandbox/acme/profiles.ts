/** The certificate profiles of the sandbox's ACME authority, and how Pebble is made to keep to the default one. */

/** A profile's name, as clients ask for it. */
export type Profile = "default" | "shortlived" | "minutes";

/** Lifetimes in seconds. The first two are Let's Encrypt's (90 days; 160 hours), the last one is for tests. */
export const lifetimes: Readonly<Record<Profile, number>> = {
  default: 90 * 24 * 3600,
  shortlived: 160 * 3600,
  minutes: 180,
};

const descriptions: Readonly<Record<Profile, string>> = {
  default: "90 days",
  shortlived: "160 hours",
  minutes: "3 minutes, for tests of renewals",
};

/**
 * An order that names no profile gets any of them from Pebble, by chance (wfe.go: "in true pebble chaos
 * fashion"); a real authority gives its default. So the default is listed under many names, and an order that
 * was given another one all the same is refused with `badNonce`, upon which every client asks once more
 * (RFC 8555, section 6.5). That both go wrong happens once in 250,000 orders.
 */
const enoughAliases = 1000;
const aliasMark = "#";

/** As Pebble reads it; the validity is in seconds. */
export interface PebbleProfile {
  description: string;
  validityPeriod: number;
}

/** The `profiles` of Pebble's configuration. */
export function pebbleProfiles(
  whenNoneIsAsked: Profile,
  aliases = enoughAliases,
): Record<string, PebbleProfile> {
  const found: Record<string, PebbleProfile> = {};
  for (const name of Object.keys(lifetimes).filter(isProfile)) {
    // Pebble counts the last second as part of the validity (RFC 5280), and subtracts it itself.
    found[name] = { description: descriptions[name], validityPeriod: lifetimes[name] };
  }
  for (let number = 1; number <= aliases; number += 1) {
    found[`${whenNoneIsAsked}${aliasMark}${number}`] = {
      description: descriptions[whenNoneIsAsked],
      validityPeriod: lifetimes[whenNoneIsAsked],
    };
  }
  return found;
}

function isProfile(name: string): name is Profile {
  return name in lifetimes;
}

/** The profile behind an alias. */
export function plainProfile(name: string): string {
  return name.split(aliasMark)[0] ?? name;
}

/** True for the names that clients shall not see. */
export function isAlias(name: string): boolean {
  return name.includes(aliasMark);
}
