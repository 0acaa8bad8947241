/** Durations in Go's spelling ("1m30s"), which the provider takes and the engine's nanoseconds are read back into. */

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of a duration such as "1.5s" or "1m30s"; undefined when it isn't one (Go's time.ParseDuration). */
export function parseDuration(text: string): number | undefined {
  const [, sign, rest] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (rest === undefined || rest === "") return undefined;
  if (rest === "0") return 0;
  let total = 0;
  let seen = 0;
  for (const [whole, number = "", unit = ""] of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * (UNITS[unit] ?? 0);
    seen += whole.length;
  }
  if (seen !== rest.length) return undefined;
  return sign === "-" ? -total : total;
}

/** Nanoseconds in Go's spelling (time.Duration.String): "0s", "250ms", "30s", "1m0s", "1h0m0s". */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const value = Math.abs(nanoseconds);
  if (value < 1e9) {
    const [unit, size] =
      value < 1e3 ? (["ns", 1] as const) : value < 1e6 ? (["µs", 1e3] as const) : (["ms", 1e6] as const);
    return `${sign}${value / size}${unit}`;
  }
  const hours = Math.floor(value / 3600e9);
  const minutes = Math.floor(value / 60e9) % 60;
  const seconds = (value % 60e9) / 1e9;
  const parts = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : "";
  return `${sign}${parts}${seconds}s`;
}
