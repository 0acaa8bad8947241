/** Something that is wrong with the garden. */
export interface Problem {
  /** What it is about: `hello`, `edge`, `certificate`, `postgres`, `certbot`, `host`. */
  readonly about: string;
  /** What is wrong, as a clause that follows "NAME: ". */
  readonly text: string;
  /** What to do, as whole sentences. */
  readonly next: string;
}

/** Collects what is wrong with one thing. */
export type Report = (text: string, next: string) => void;

/** Runs a judgement about one thing and gives what it reported. */
export function problemsOf(about: string, judge: (report: Report) => void): Problem[] {
  const problems: Problem[] = [];
  judge((text, next) => void problems.push({ about, text, next }));
  return problems;
}
