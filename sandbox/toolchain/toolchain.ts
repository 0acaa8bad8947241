/** Where a Pulumi CLI comes from, best first. */
export const SOURCES = ["path", "download", "build"] as const;
export type Source = (typeof SOURCES)[number];

/** A Pulumi CLI that is ready to run this checkout's program, with plugins. */
export interface Toolchain {
  readonly source: Source;
  /** Absolute path of `pulumi`. */
  readonly cli: string;
  /** Without a leading `v`. */
  readonly cliVersion: string;
  readonly plugins: "official" | "stand-in";
  /** Which was taken and why, in one sentence. */
  readonly why: string;
  /** To be set for every run of the CLI. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders to be put before PATH: the CLI and the Node that runs the program. */
  readonly pathEntries: readonly string[];
}

/** Takes one line of progress. */
export type Log = (line: string) => void;
