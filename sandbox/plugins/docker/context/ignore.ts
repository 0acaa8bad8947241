/**
 * Which files of a build context are left out: `.dockerignore` files and their patterns.
 *
 * The rules are those of moby/patternmatcher v0.6.0 (patternmatcher.go, ignorefile/ignorefile.go), which docker's
 * command line and the official plugin use.
 */
import { posix } from "node:path";

/** Reads the patterns of an ignore file: comments and blank lines gone, paths cleaned, a leading slash dropped. */
export function readIgnoreFile(text: string): readonly string[] {
  const patterns: string[] = [];
  for (const line of text.replace(/^\ufeff/, "").split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const trimmed = line.trim();
    if (trimmed === "") continue;
    const inverted = trimmed.startsWith("!");
    const path = inverted ? trimmed.slice(1).trim() : trimmed;
    const clean = path === "" ? "" : cleaned(path).replace(/^\/(?=.)/, "");
    patterns.push(inverted ? `!${clean}` : clean);
  }
  return patterns;
}

/** As Go's filepath.Clean: no trailing slash, "." for nothing. */
export function cleaned(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

interface Pattern {
  readonly text: string;
  readonly exception: boolean;
  readonly matches: (path: string) => boolean;
}

/** A list of patterns, later ones overriding earlier ones. */
export class IgnoreRules {
  readonly #patterns: readonly Pattern[];

  /** @throws Error for a pattern that is only "!" or has a bad bracket */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.filter((pattern) => pattern.trim() !== "").map(patternOf);
  }

  /** Whether a path, relative to the context with slashes, is left out, by itself or by a folder above it. */
  leavesOut(path: string): boolean {
    return this.judge(path).out;
  }

  /**
   * The verdict on a path. Walking down, each folder's `matched` is handed on to what is in it: the official plugin
   * doesn't look at a folder's patterns again then, which matters where a pattern wasn't looked at for the folder.
   */
  judge(
    path: string,
    folder?: readonly boolean[],
  ): { readonly out: boolean; readonly matched: readonly boolean[] } {
    const parents = folder === undefined ? foldersAbove(path) : [];
    let out = false;
    const matched = this.#patterns.map((pattern, i) => {
      if (folder?.[i] !== true) {
        // A pattern that couldn't change the verdict isn't looked at.
        if (pattern.exception !== out) return false;
        if (!pattern.matches(path) && !parents.some((parent) => pattern.matches(parent))) return false;
      }
      out = !pattern.exception;
      return true;
    });
    return { out, matched };
  }

  /** Whether nothing below a folder that is left out can be brought back by an exception. */
  closes(folder: string): boolean {
    return !this.#patterns.some((pattern) => pattern.exception && mayReach(pattern.text, `${folder}/`));
  }
}

function mayReach(pattern: string, folder: string): boolean {
  const start = pattern.replace(/\/\*\*?$/, "");
  return /[*[\]?^\\]/.test(start) || `${start}/`.startsWith(folder);
}

/** The folders that a path is in, from the top. */
function foldersAbove(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}

function patternOf(given: string): Pattern {
  const clean = cleaned(given.trim());
  const exception = clean.startsWith("!");
  const text = exception ? clean.slice(1) : clean;
  if (text === "") throw new Error('illegal exclusion pattern: "!"');
  return { text, exception, matches: matcherOf(text) };
}

/** Compiles a pattern as `Pattern.compile` does, with its four ways to match. */
function matcherOf(pattern: string): (path: string) => boolean {
  let kind: "exact" | "prefix" | "suffix" | "regexp" = "exact";
  let source = "^";
  const letters = [...pattern];
  for (let i = 0, step = 0; i < letters.length; i++, step++) {
    const letter = letters[i] ?? "";
    if (letter === "*" && letters[i + 1] === "*") {
      i += letters[i + 2] === "/" ? 2 : 1;
      if (i === letters.length - 1) {
        if (kind === "exact") kind = "prefix";
        else {
          source += ".*";
          kind = "regexp";
        }
      } else {
        source += "(.*/)?";
        kind = "regexp";
      }
      if (step === 0) kind = "suffix";
    } else if (letter === "*" || letter === "?") {
      source += letter === "*" ? "[^/]*" : "[^/]";
      kind = "regexp";
    } else if (letter === "\\" && i + 1 < letters.length) {
      // As it stands: "\\b" is a word's edge, in Go's expressions as in these.
      source += `\\${letters[++i] ?? ""}`;
      kind = "regexp";
    } else if (letter === "[" || letter === "]") {
      source += letter;
      kind = "regexp";
    } else {
      source += letter === "^" || letter === "-" ? letter : escaped(letter);
    }
  }
  return matcherOfKind(kind, pattern, source);
}

function matcherOfKind(kind: "exact" | "prefix" | "suffix" | "regexp", pattern: string, source: string) {
  if (kind === "exact") return (path: string) => path === pattern;
  if (kind === "prefix") return (path: string) => path.startsWith(pattern.slice(0, -2));
  if (kind === "suffix") {
    const end = pattern.slice(2);
    return (path: string) => path.endsWith(end) || (end.startsWith("/") && path === end.slice(1));
  }
  const regexp = badPattern(pattern, source);
  return (path: string) => regexp.test(path);
}

function badPattern(pattern: string, source: string): RegExp {
  try {
    return new RegExp(`${source}$`, "s");
  } catch {
    throw new Error(`syntax error in pattern: ${pattern}`);
  }
}

function escaped(letter: string): string {
  return /[.+()|{}$*?[\]\\^/]/.test(letter) ? `\\${letter}` : letter;
}
