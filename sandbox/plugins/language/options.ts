/**
 * The options that Pulumi.yaml gives under `runtime.options`, for a program in Node.
 *
 * The official host (`pulumi-language-nodejs`, `parseOptions`) knows `typescript`, `tsconfig`, `nodeargs`,
 * `packagemanager` and `production`. This one runs programs as Node runs TypeScript itself; what it can't do it
 * refuses by name instead of doing something else.
 */
export interface RuntimeOptions {
  /** Arguments for Node itself, already split into words. */
  readonly nodeArgs: readonly string[];
}

/** A fault in `runtime.options`; its message is meant for the user. */
export class RuntimeOptionError extends Error {}

/**
 * Checks `runtime.options`.
 *
 * @throws RuntimeOptionError naming the first option that is unknown, of the wrong type or not supported here.
 */
export function parseRuntimeOptions(options: Readonly<Record<string, unknown>>): RuntimeOptions {
  let nodeArgs: readonly string[] = [];
  for (const [name, value] of Object.entries(options)) {
    switch (name) {
      case "typescript":
        if (typeof value !== "boolean") throw new RuntimeOptionError("typescript option must be a boolean");
        break;
      case "nodeargs":
        if (typeof value !== "string") throw new RuntimeOptionError("nodeargs option must be a string");
        nodeArgs = splitWords(value);
        break;
      case "packagemanager":
        if (value !== "npm" && value !== "auto") throw unsupported(name, value, '"npm" or "auto"');
        break;
      case "production":
        if (typeof value !== "boolean") throw new RuntimeOptionError("production option must be a boolean");
        break;
      default:
        throw unsupported(name, value, "typescript, nodeargs, packagemanager and production");
    }
  }
  // The official host takes `true` when nothing is said, and then ts-node compiles the program.
  if (options.typescript !== false) {
    throw unsupported("typescript", options.typescript ?? true, "typescript: false");
  }
  return { nodeArgs };
}

function unsupported(name: string, value: unknown, allowed: string): RuntimeOptionError {
  return new RuntimeOptionError(
    `Pulumi.yaml, runtime.options: the sandbox's language host does not support ` +
      `${name}: ${JSON.stringify(value)}; it supports ${allowed}`,
  );
}

/**
 * Splits a command line into words as a POSIX shell would, without expanding anything: blanks separate, single
 * quotes keep all, double quotes and backslashes as usual, `#` at the start of a word begins a comment.
 *
 * @throws RuntimeOptionError when a quote is not closed.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word += character;
    } else if (quote === '"') {
      const next = line.charAt(at + 1);
      if (character === '"') quote = undefined;
      else if (character === "\\" && (next === '"' || next === "\\")) word += line.charAt(++at);
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (character === "\\") {
      word = (word ?? "") + line.charAt(++at);
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "#" && word === undefined) {
      const end = line.indexOf("\n", at);
      at = end < 0 ? line.length : end;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) throw new RuntimeOptionError(`nodeargs: a ${quote} is not closed in: ${line}`);
  if (word !== undefined) words.push(word);
  return words;
}
