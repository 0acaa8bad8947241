/** How long a certificate lives, and when it is time for the next one. */
import { type PropertyMap, unknown } from "../framework/values.ts";

const MS_AN_HOUR = 3_600_000;

/** The end of a validity that starts at `start` and lasts so many hours. */
export function endOfValidity(start: Date, hours: number): Date {
  return new Date(start.getTime() + hours * MS_AN_HOUR);
}

/** A time as the official provider writes it: RFC 3339, without zeros at the end of the fraction. */
export function timeText(at: Date): string {
  return at.toISOString().replace(/\.?0*Z$/, "Z");
}

/** Whether now is past the end, or so many hours before it. Undefined: the end isn't known. */
function isDue(planned: PropertyMap): boolean | undefined {
  const [end, early] = [planned.validityEndTime, planned.earlyRenewalHours];
  if (typeof end !== "string") return undefined;
  if (typeof early !== "number") {
    throw new Error(
      "Value Conversion Error: earlyRenewalHours of a certificate that exists must be known in a preview",
    );
  }
  return Date.parse(end) - early * MS_AN_HOUR <= Date.now();
}

/**
 * Plans `readyForRenewal`: false, true for a certificate that is due as soon as it is made, and unknown (which
 * replaces) once the state's certificate is due.
 */
export function planRenewal({ planned }: { readonly planned: PropertyMap }): PropertyMap {
  if (isDue(planned) === true) return { ...planned, readyForRenewal: unknown };
  const [hours, early] = [planned.validityPeriodHours, planned.earlyRenewalHours];
  const atOnce = hours === 0 || (typeof hours === "number" && typeof early === "number" && early >= hours);
  return { ...planned, readyForRenewal: atOnce };
}

/** The state after a refresh: a certificate that is due says so. */
export function readRenewal(state: PropertyMap): PropertyMap {
  return isDue(state) === true ? { ...state, readyForRenewal: true } : state;
}
