import { type Form, type FormFile, parseMultipart } from "./multipart.ts";

/** The parameters of a Bot API call. Values are text, whatever form they came in; JSON values stay JSON text. */
export class Params {
  readonly #fields: Map<string, string>;
  readonly #files: Map<string, FormFile>;

  constructor(form: Partial<Form> = {}) {
    this.#fields = form.fields ?? new Map();
    this.#files = form.files ?? new Map();
  }

  /** The text of a parameter, "" when it is absent. */
  text(name: string): string {
    return this.#fields.get(name) ?? "";
  }

  /** Whether a parameter was given at all. */
  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /** A whole number, brought between `least` and `most`; the default when it is absent or no number. */
  integer(name: string, byDefault: number, least: number, most: number): number {
    const text = this.text(name).trim();
    const value = /^[-+]?\d+$/.test(text) ? Number.parseInt(text, 10) : byDefault;
    return Math.min(most, Math.max(least, value));
  }

  /** True for "true", "yes" and "1", as Telegram reads it. */
  flag(name: string): boolean {
    return ["true", "yes", "1"].includes(this.text(name).trim().toLowerCase());
  }

  /** The value of a parameter that carries JSON; undefined when it is absent or empty. Throws SyntaxError. */
  json(name: string): unknown {
    const text = this.text(name);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** An uploaded file: the part of that name, or the one which the text `attach://part` points at. */
  file(name: string): FormFile | undefined {
    const attached = /^attach:\/\/(.+)$/.exec(this.text(name))?.[1];
    return this.#files.get(name) ?? (attached === undefined ? undefined : this.#files.get(attached));
  }
}

/**
 * Reads the parameters of a call or of a webhook's answer: query string, and a body that is JSON, urlencoded or
 * multipart. The body wins over the query.
 * @throws Error when a multipart body is broken. A JSON body that is no object is ignored, as Telegram does.
 */
export function parseParams(query: string, contentType: string, body: Buffer): Params {
  const fields = new Map<string, string>(new URLSearchParams(query));
  const kind = contentType.toLowerCase();
  if (kind.includes("multipart/form-data")) {
    const form = parseMultipart(contentType, body);
    return new Params({ fields: new Map([...fields, ...form.fields]), files: form.files });
  }
  if (kind.includes("application/json")) addJson(fields, body);
  else if (kind.includes("application/x-www-form-urlencoded")) {
    for (const [name, value] of new URLSearchParams(body.toString("utf8"))) fields.set(name, value);
  }
  return new Params({ fields });
}

function addJson(fields: Map<string, string>, body: Buffer): void {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    return;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [name, entry] of Object.entries(value)) {
    if (entry === null || entry === undefined) continue;
    fields.set(name, typeof entry === "string" ? entry : JSON.stringify(entry));
  }
}
