/** The engine's streams of JSON values (builds, pulls), and looking into values whose shape isn't known. */

/** Reads one JSON value a line. */
export async function* jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}

/** A member of an object; undefined when there is none or it is null. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name] ?? undefined;
}

/** A member that is a text. */
export function memberText(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === "string" ? found : undefined;
}

/** A member that is a number. */
export function memberNumber(value: unknown, name: string): number | undefined {
  const found = member(value, name);
  return typeof found === "number" ? found : undefined;
}

/** A member that is true. */
export function memberTrue(value: unknown, name: string): boolean {
  return member(value, name) === true;
}

/** A member that is a list; empty when there is none. */
export function memberList(value: unknown, name: string): readonly unknown[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

/** A member that is a list of texts; empty when there is none. */
export function memberTexts(value: unknown, name: string): readonly string[] {
  return memberList(value, name).filter((item) => typeof item === "string");
}

/** A member that is an object, as pairs; empty when there is none. */
export function memberEntries(value: unknown, name: string): readonly (readonly [string, unknown])[] {
  const found = member(value, name);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}

/** A member that is an object of texts; empty when there is none. */
export function memberTextMap(value: unknown, name: string): Record<string, string> {
  return Object.fromEntries(
    memberEntries(value, name).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
