/** A file of a form: its name as the sender gave it and its bytes. */
export interface FormFile {
  name: string;
  content: Buffer;
}

/** What a form carries. */
export interface Form {
  fields: Map<string, string>;
  files: Map<string, FormFile>;
}

/**
 * Reads a multipart/form-data body (RFC 7578). A part with a file name is a file, any other is a text field.
 * @throws Error with Telegram's wording when the body is no such form.
 */
export function parseMultipart(contentType: string, body: Buffer): Form {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) throw new Error("boundary not found");
  const form: Form = { fields: new Map(), files: new Map() };
  const delimiter = Buffer.from(`\r\n--${mark}`);
  // The first delimiter has no line end before it; adding one makes all of them alike.
  const text = Buffer.concat([Buffer.from("\r\n"), body]);
  let at = text.indexOf(delimiter);
  if (at < 0) throw new Error("boundary not found in the body");
  for (;;) {
    const start = at + delimiter.length;
    if (text.subarray(start, start + 2).toString("latin1") === "--") return form;
    const next = text.indexOf(delimiter, start);
    if (next < 0) throw new Error("can't parse the form: it has no end");
    readPart(text.subarray(start, next), form);
    at = next;
  }
}

function readPart(part: Buffer, form: Form): void {
  const headerEnd = part.indexOf("\r\n\r\n");
  if (headerEnd < 0) throw new Error("can't parse form data headers");
  const headers = part.subarray(0, headerEnd).toString("utf8").split("\r\n");
  const content = part.subarray(headerEnd + 4);
  const disposition = headers.find((line) => /^content-disposition:/i.test(line));
  if (disposition === undefined || !/form-data/i.test(disposition)) {
    throw new Error("expected form-data content disposition");
  }
  const name = parameter(disposition, "name");
  if (name === undefined) throw new Error("field name in multipart/form-data not found");
  const fileName = parameter(disposition, "filename");
  if (fileName === undefined) form.fields.set(name, content.toString("utf8"));
  else form.files.set(name, { name: fileName, content: Buffer.from(content) });
}

function parameter(header: string, name: string): string | undefined {
  const found = new RegExp(`[;\\s]${name}=(?:"([^"]*)"|([^;\\s]*))`, "i").exec(header);
  return found?.[1] ?? found?.[2];
}
