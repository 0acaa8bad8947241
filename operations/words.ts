/** Amounts as people read them. */

/** `42 s`, `5 min`, `3 h`, `12 days`; seconds in. */
export function duration(seconds: number): string {
  const rounded = Math.max(0, Math.floor(seconds));
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min`;
  if (rounded < 48 * 3600) return `${Math.floor(rounded / 3600)} h`;
  return `${Math.floor(rounded / 86_400)} days`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** `512 B`, `8.1 MB`, `67 GB`; steps of 1024, as Docker counts memory. */
export function size(bytes: number): string {
  const [amount, unit] = scaled(bytes);
  return `${amount} ${unit}`;
}

/** A part of a whole: `179 of 256 MB`, `404 kB of 64 MB`. */
export function share(part: number, whole: number): string {
  const [amount, unit] = scaled(part);
  const [, wholeUnit] = scaled(whole);
  return `${amount}${unit === wholeUnit ? "" : ` ${unit}`} of ${size(whole)}`;
}

function scaled(bytes: number): [amount: string, unit: string] {
  let amount = bytes;
  let step = 0;
  while (amount >= 1000 && step < UNITS.length - 1) {
    amount /= 1024;
    step += 1;
  }
  return [step === 0 || amount >= 10 ? amount.toFixed(0) : amount.toFixed(1), UNITS[step] ?? ""];
}

/** `1 bot`, `3 bots`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

/** Seconds from one moment to another, both ISO 8601. */
export function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
