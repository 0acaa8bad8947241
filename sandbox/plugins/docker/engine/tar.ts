/**
 * Writing tar archives: ustar, with a pax header before an entry whose name, link or size doesn't fit
 * (POSIX.1-2001, https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html).
 */

/** One entry. Owner and group are always 0, as docker's own contexts and the plugin's uploads have them. */
export interface TarEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits. */
  readonly mode: number;
  /** Size of the content in bytes; 0 for others than files. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Where a symlink points. */
  readonly link?: string;
}

const BLOCK = 512;
const TYPES = { file: "0", symlink: "2", directory: "5" } as const;
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

/** The header of an entry, with a pax header before it where one is needed. The content follows, then `tarPadding`. */
export function tarHeader(entry: TarEntry): Buffer {
  const link = entry.link ?? "";
  const records = [
    ...(fits(entry.name) ? [] : [record("path", entry.name)]),
    ...(fits(link) ? [] : [record("linkpath", link)]),
    ...(entry.size <= MAX_OCTAL_SIZE ? [] : [record("size", String(entry.size))]),
  ];
  const plain = block(entry, TYPES[entry.type], entry.name, link);
  if (records.length === 0) return plain;
  const body = Buffer.concat(records);
  const head = block({ ...entry, size: body.length, mode: 0o644 }, "x", "PaxHeaders/0", "");
  return Buffer.concat([head, body, tarPadding(body.length), plain]);
}

/** The zero bytes after content of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** An archive of one file. */
export function tarOfFile(name: string, mode: number, content: Buffer, modified: number): Buffer {
  const header = tarHeader({ name, type: "file", mode, size: content.length, modified });
  return Buffer.concat([header, content, tarPadding(content.length), tarEnd()]);
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= 100 && /^[\x20-\x7e]*$/.test(text);
}

/** A pax record counts its own length digits too. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function block(entry: TarEntry, type: string, name: string, link: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    header.write(value.toString(8).padStart(width - 1, "0"), at, width - 1, "ascii");
  Buffer.from(name).copy(header, 0, 0, 100);
  octal(entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.size <= MAX_OCTAL_SIZE ? entry.size : 0, 124, 12);
  octal(Math.max(0, Math.floor(entry.modified)), 136, 12);
  header.write("        ", 148, 8, "ascii");
  header.write(type, 156, 1, "ascii");
  Buffer.from(link).copy(header, 157, 0, 100);
  header.write("ustar\u000000", 257, 8, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return header;
}
