/** How a text is coloured on a terminal. */
export type Tone = "good" | "bad" | "quiet";

/** A text, or one with a colour. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

/** Puts a colour's codes around a text, or leaves it as it is. */
export type Paint = (text: string, tone: Tone) => string;

const codes: Record<Tone, number> = { good: 32, bad: 31, quiet: 2 };

/** Colours for terminals; NO_COLOR (no-color.org) and files get none. */
export function painter(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): Paint {
  const colours = stream.isTTY === true && (environment.NO_COLOR ?? "") === "" && environment.TERM !== "dumb";
  return colours ? (text, tone) => `\u001b[${codes[tone]}m${text}\u001b[0m` : (text) => text;
}

/** Lines of a table with aligned columns, the first row as its heading. */
export function table(rows: readonly (readonly Cell[])[], paint: Paint = (text) => text): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, textOf(cell).length);
    }
  }
  const lines = rows.map((row) => lineOf(row, widths, paint));
  return [lines[0] ?? "", widths.map((width) => "─".repeat(width)).join("  "), ...lines.slice(1)];
}

/** Padded before it is painted: a terminal shows no codes. */
function lineOf(row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  return row
    .map((cell, column) => {
      const padding =
        column === row.length - 1 ? "" : " ".repeat((widths[column] ?? 0) - textOf(cell).length);
      return `${typeof cell === "string" ? cell : paint(cell.text, cell.tone)}${padding}`;
    })
    .join("  ")
    .trimEnd();
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
